"""Normalised values of haproxy.cfg, for comparison. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadeploy.config_files.haproxy import FRONTENDS, Line, Section, expanded, variables_in
from hadeploy.inventory.fields import IPAddress

_WHOLE = re.compile(r"[0-9]{1,18}")
_TIME = re.compile(r"([0-9]{1,18})(us|ms|s|m|h|d)?")
_MICROSECONDS = {
    "us": 1,
    "ms": 1000,
    "s": 10**6,
    "m": 60 * 10**6,
    "h": 3600 * 10**6,
    "d": 86400 * 10**6,
}
_OF_TIME = (
    *("timeout", "hard-stop-after", "close-spread-time", "max-spread-checks"),
    *("clitcpka-idle", "clitcpka-intvl", "srvtcpka-idle", "srvtcpka-intvl"),
)
_FAMILY = re.compile(r"^(?:ipv4|ipv6|tcp|tcp4|tcp6)@")
_LAST_PORT = 65535
_EVERY = ("", "*", "0.0.0.0")  # noqa: S104
# A bound for ranges, because the file may be malicious.
_MAX_PORTS = 1000


@dataclass(frozen=True)
class Endpoint:
    """The address of a bind line or of a server.

    Attributes:
        host: an address, "*" for every IPv4 address, "::" for every IPv6 address, or a name.
        ports: one port or a range; empty for the port of the client's connection.
        word: the original word, with expanded variables.
    """

    host: str
    ports: Sequence[int]
    word: str

    @property
    def some(self) -> Sequence[int]:
        """The ports; only the first 1000 of a range."""
        return self.ports[:_MAX_PORTS]

    @property
    def address(self) -> IPAddress | None:
        """The address; None for a name, a socket or a wildcard."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None


def whole(value: str) -> int | None:
    """The value as an integer; None if it is not one."""
    return int(value) if _WHOLE.fullmatch(value) else None


def microseconds(value: str) -> int | None:
    """A duration, by default in milliseconds (configuration manual, 2.5)."""
    match = _TIME.fullmatch(value)
    return int(match[1]) * _MICROSECONDS[match[2] or "ms"] if match else None


def duration(value: str) -> str:
    """A duration in the form of the inventory, with the largest unit that needs no fraction."""
    number = whole(value)
    if not number:
        return value
    time = number * 1000
    unit = next((u for u in ("d", "h", "m", "s") if not time % _MICROSECONDS[u]), "ms")
    return f"{time // _MICROSECONDS[unit]}{unit}"


def endpoints(line: Line, environment: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """The addresses of a bind line."""
    words = expanded(line.words[1] if len(line.words) > 1 else "", environment)
    return tuple(endpoint(word) for word in words.split(",") if word)


def endpoint(word: str) -> Endpoint:
    """Parse an address (configuration manual, 11); the port follows the last colon."""
    rest = _FAMILY.sub("", word)
    if rest.startswith(("/", "unix@", "abns@", "fd@", "sockpair@", "quic4@", "quic6@", "udp@")):
        return Endpoint(word, (), word)
    six = word.startswith(("ipv6@", "tcp6@"))
    match = re.fullmatch(r"\[([^]]*)\](?::(.*))?", rest)
    host, _, port = (match[1], "", match[2] or "") if match else rest.rpartition(":")
    if match is None and ":" not in rest:
        host, port = rest, ""
    if host in _EVERY:
        host = "::" if six else "*"
    return Endpoint(_same_address(host), _ports(port), word)


def _same_address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _ports(text: str) -> Sequence[int]:
    match = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    if match is None:
        return ()
    first, last = int(match[1]), int(match[2] or match[1])
    return range(first, min(last, _LAST_PORT) + 1)


def ports_of(section: Section, environment: Mapping[str, str]) -> tuple[int, ...]:
    """The ports on which a section listens, in order."""
    if section.kind not in FRONTENDS:
        return ()
    found = (e for line in section.all("bind") for e in endpoints(line, environment))
    return tuple(dict.fromkeys(port for one in found for port in one.some))


def variables_of(line: Line) -> tuple[str, ...]:
    """The environment variables in a line, also those in its address without quotes."""
    at = {"bind": 1, "server": 2}.get(line.keyword, len(line.words))
    return tuple(dict.fromkeys((*line.variables, *variables_in(" ".join(line.words[at : at + 1])))))


def uses_a_file(line: Line) -> bool:
    """Whether a line names a file, which hadeploy's container does not have."""
    return "-f" in line.words or any(word.startswith("/") for word in line.words[1:])


def canonical(line: Line) -> tuple[str, ...]:
    """The normalised words of a line, for comparison."""
    words = line.words
    if words == ("option", "redispatch"):
        # The default: only the last retry goes to another server.
        words = (*words, "-1")
    times = words[0] in _OF_TIME or "inspect-delay" in words[:2]
    return (words[0], *(_plain(word, time=times) for word in words[1:]))


def _plain(word: str, *, time: bool) -> str:
    number = whole(word)
    if number is not None and not time:
        return str(number)
    found = microseconds(word)
    return word if found is None else f"{found}us"
