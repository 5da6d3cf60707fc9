"""The lines of a haproxy.cfg that apply to one listener, and their precedence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hadeploy.config_files.haproxy import FRONTENDS, Line, Section, inherited, sections
from hadeploy.config_files.haproxy_keywords import (
    ONLY_BACKEND,
    ONLY_FRONTEND,
    SINGLE,
    SINGLE_OF_TWO,
)
from hadeploy.config_files.haproxy_values import ports_of


@dataclass(frozen=True)
class HaproxyContext:
    """Facts of the node that change the meaning of a haproxy.cfg.

    Attributes:
        environment: the environment variables that the configuration uses.
        names: host name → its address on the node.
        published: port in the container → port on the node; None for the network of the node.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Configuration:
    """A whole haproxy.cfg.

    Attributes:
        found: its sections.
        chains: the `defaults` sections that apply to each section.
    """

    found: tuple[Section, ...]
    chains: Mapping[Section, tuple[Section, ...]]
    context: HaproxyContext

    def ports(self, section: Section) -> tuple[int, ...]:
        """The ports of a section on the node."""
        ports = ports_of(section, self.context.environment)
        if self.context.published is None:
            return ports
        return tuple(self.context.published[p] for p in ports if p in self.context.published)

    def served(self, port: int) -> Served | None:
        """The first frontend on a port, with its default backend."""
        for front in self.found:
            if front.kind in FRONTENDS and port in self.ports(front):
                always = [
                    line.words[1]
                    for line in front.all("use_backend")
                    if len(line.words) == 2  # without a condition
                ]
                name = always[0] if always else self.value(front, "default_backend")
                back = next((s for s in self.found if s.kind == "backend" and s.name == name), None)
                return Served(self, front, front if front.kind == "listen" and not back else back)
        return None

    def lines(self, section: Section) -> list[Line]:
        """The lines that apply to a section, its `defaults` first."""
        return [line for part in (*self.chains.get(section, ()), section) for line in part.lines]

    def value(self, section: Section, *words: str) -> str:
        """The effective value in a section, or ""."""
        found = [line for line in self.lines(section) if line.begins(*words)]
        return " ".join(found[-1].words[len(words) :]) if found else ""


def read_configuration(text: str, context: HaproxyContext) -> Configuration:
    """Parse a haproxy.cfg."""
    found = sections(text, context.environment)
    return Configuration(found, inherited(found), context)


@dataclass(frozen=True, eq=False)
class Served:
    """A frontend with its backend; one section if it is a `listen`."""

    configuration: Configuration
    front: Section
    back: Section | None

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections that apply to both."""
        parts = [self.front] if self.back is None else [self.front, self.back]
        chains = [s for part in parts for s in self.configuration.chains.get(part, ())]
        return tuple(dict.fromkeys([*chains, *parts]))

    @property
    def back_lines(self) -> list[Line]:
        """The lines that apply to the backend, its `defaults` first."""
        return [] if self.back is None else self.configuration.lines(self.back)

    def effective(self) -> dict[tuple[str, ...], list[Line]]:
        """The lines with an effect, by setting: the last one, or all of a repeatable setting."""
        alone = self.front.kind == "listen" and self.back is self.front
        front = _effective(self.configuration.lines(self.front), None if alone else ONLY_BACKEND)
        back = {} if alone else _effective(self.back_lines, ONLY_FRONTEND)
        for key, lines in back.items():
            front[key] = list(dict.fromkeys([*front.get(key, []), *lines]))
        return front


def _effective(
    lines: Sequence[Line], elsewhere: frozenset[tuple[str, ...]] | None
) -> dict[tuple[str, ...], list[Line]]:
    found: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        key, single = setting(line)
        if elsewhere and scope(key) in elsewhere:
            continue
        found[key] = [line] if single else [*found.get(key, []), line]
    return found


def setting(line: Line) -> tuple[tuple[str, ...], bool]:
    """The setting of a line, and whether a later line of that setting replaces it."""
    words = line.words[1:] if line.begins("no") and not line.begins("no", "log") else line.words
    words = words or line.words
    if words[0] in SINGLE_OF_TWO:
        return words[:2], True
    if words[0] in SINGLE:
        return words[:1], True
    return words[:1], False


def scope(key: tuple[str, ...]) -> tuple[str, ...]:
    """The key of a setting in the tables of keywords."""
    return key if key[0] in ("option", "timeout") else key[:1]
