"""The lines of a haproxy.cfg that apply to one listener, and which of them count. Pure."""

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
class Surroundings:
    """What a haproxy.cfg means depends on.

    Attributes:
        environment: of the process that reads it, as far as the configuration uses it.
        names: host name → the address that it has there.
        published: port in the container → port on the node; None if it has the node's network.
    """

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: Mapping[str, str] = field(default_factory=dict)
    published: Mapping[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Configuration:
    """A whole haproxy.cfg.

    Attributes:
        found: its sections.
        chains: the `defaults` that apply to each.
    """

    found: tuple[Section, ...]
    chains: Mapping[Section, tuple[Section, ...]]
    around: Surroundings

    def ports(self, section: Section) -> tuple[int, ...]:
        """The ports of the node on which a section is reached."""
        ports = ports_of(section, self.around.environment)
        if self.around.published is None:
            return ports
        return tuple(self.around.published[p] for p in ports if p in self.around.published)

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
        """What applies to a section, its `defaults` first."""
        return [line for part in (*self.chains.get(section, ()), section) for line in part.lines]

    def value(self, section: Section, *words: str) -> str:
        """What counts in a section; "" if it is not said."""
        found = [line for line in self.lines(section) if line.begins(*words)]
        return " ".join(found[-1].words[len(words) :]) if found else ""


def read_configuration(text: str, around: Surroundings) -> Configuration:
    """A haproxy.cfg."""
    found = sections(text, around.environment)
    return Configuration(found, inherited(found), around)


@dataclass(frozen=True, eq=False)
class Served:
    """A frontend and the backend that it uses, which are one section if it is a `listen`."""

    of: Configuration
    front: Section
    back: Section | None

    @property
    def sections(self) -> tuple[Section, ...]:
        """Everything that applies to the two."""
        parts = [self.front] if self.back is None else [self.front, self.back]
        chains = [s for part in parts for s in self.of.chains.get(part, ())]
        return tuple(dict.fromkeys([*chains, *parts]))

    @property
    def back_lines(self) -> list[Line]:
        """What applies to the backend, its `defaults` first."""
        return [] if self.back is None else self.of.lines(self.back)

    def effective(self) -> dict[tuple[str, ...], list[Line]]:
        """The lines that count, by what they set: the last one, or all where each one counts."""
        alone = self.front.kind == "listen" and self.back is self.front
        front = _effective(self.of.lines(self.front), None if alone else ONLY_BACKEND)
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
    """What a line sets, and whether a later line about it replaces it."""
    words = line.words[1:] if line.begins("no") and not line.begins("no", "log") else line.words
    words = words or line.words
    if words[0] in SINGLE_OF_TWO:
        return words[:2], True
    if words[0] in SINGLE:
        return words[:1], True
    return words[:1], False


def scope(key: tuple[str, ...]) -> tuple[str, ...]:
    """The same as the tables of keywords have it."""
    return key if key[0] in ("option", "timeout") else key[:1]
