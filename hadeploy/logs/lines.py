"""Log lines in the format of `docker logs --timestamps`. Pure."""

from __future__ import annotations

import calendar
import functools
import re
import time
from dataclasses import dataclass

from hadeploy.desired.roles import Role

BILLION = 1_000_000_000
_STAMPED = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: (.*))?", re.S
)
# The time that keepalived itself adds to its log lines.
_KEEPALIVED_TIME = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}: ")
# keepalived logs this when hadeploy reads its state.
_STATE_QUERY = re.compile(r"Printing (?:parent|VRRP) (?:data|stats) for process\(\d+\) on signal")


@dataclass(frozen=True)
class Line:
    """One line of a container's log.

    Attributes:
        at: nanoseconds since the epoch, by the clock of the node.
        node: its label.
        container: the container.
        text: without control characters and secrets.
    """

    at: int
    node: str
    container: Role
    text: str


def parse_stamped(text: str) -> tuple[int, str] | None:
    """The time of a line, in nanoseconds since the epoch, and the rest; None without a time.

    Args:
        text: without its newline.
    """
    found = _STAMPED.fullmatch(text)
    if not found:
        return None
    moment, fraction, zone, rest = found.groups("")
    try:
        seconds = _seconds(moment, zone)
    except ValueError:
        return None
    return seconds * BILLION + int(fraction.ljust(9, "0")), rest


@functools.lru_cache(maxsize=64)
def _seconds(moment: str, zone: str) -> int:
    seconds = calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%S"))
    if zone == "Z":
        return seconds
    ahead = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
    return seconds + (ahead if zone[0] == "-" else -ahead)


def stamp(at: int, digits: int = 9) -> str:
    """A time as RFC 3339 in UTC.

    Args:
        at: nanoseconds since the epoch.
        digits: of the fraction of the second.
    """
    seconds, rest = divmod(at, BILLION)
    return f"{_moment(seconds)}.{f'{rest:09}'[:digits]}Z"


@functools.lru_cache(maxsize=64)
def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def message_of(container: Role, text: str) -> str | None:
    """The message of a log line, without keepalived's own time.

    Args:
        container: the container that logged the line.
        text: the line without the time of docker.

    Returns:
        None if hadeploy caused the line by reading the state of keepalived.
    """
    if container != "keepalived":
        return text
    message = _KEEPALIVED_TIME.sub("", text, count=1) if _KEEPALIVED_TIME.match(text) else text
    return None if _STATE_QUERY.fullmatch(message) else message
