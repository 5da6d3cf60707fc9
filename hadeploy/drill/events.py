"""Events from the lines that a node sends while it is monitored (tasks/watch.sh). Pure."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable

from hadeploy.drill.round import Event, Kind

# `ip -ts -o monitor address`, in UTC.
_ADDRESS = re.compile(
    r"\[(?P<at>[0-9T:.-]+)\] (?P<gone>Deleted )?"
    r"[0-9]+: (?P<interface>\S+) +inet6? (?P<address>[^/ ]+)"
)
# `docker events` with the format that watch.sh sets.
_CONTAINER = re.compile(r"(?P<ns>[0-9]{19}) (?P<action>[a-z_]+) (?P<name>\S+)$")
# `docker logs --timestamps`: RFC 3339, in UTC.
_LOG = re.compile(r"(?P<at>[0-9]{4}-[0-9T:.-]+)Z (?P<text>.*)")
# The log lines of keepalived that are events: pattern, kind, `Event.what`.
_KEEPALIVED: tuple[tuple[re.Pattern[str], Kind, str], ...] = (
    (re.compile(r"\(\S{1,255}\) Entering (MASTER|BACKUP|FAULT) STATE"), "state", r"\1"),
    (re.compile(r"VRRP_Script\(\S{1,255}\) (failed|succeeded)"), "check", r"\1"),
    # With a space before keepalived 2.0.
    (re.compile(r"VRRP_Script\(\S{1,255}\) timed[_ ]out"), "check", "failed"),
    (re.compile(r"Changing effective priority from ([0-9]+) to ([0-9]+)"), "priority", r"\1 \2"),
)
_ACTIONS = ("start", "die", "pause", "unpause", "oom", "kill", "stop")


def events_of(node: str, line: str, vips: Collection[str]) -> Iterable[Event]:
    """The events of one line, by the clock of the node; none if the line is irrelevant.

    Args:
        node: its label.
        line: the output of one of the monitoring programs.
        vips: the addresses to report.
    """
    try:
        yield from _events(node, line, vips)
    except (ValueError, OverflowError):
        # The timestamp is not valid.
        return


def _events(node: str, line: str, vips: Collection[str]) -> Iterable[Event]:
    if found := _ADDRESS.match(line):
        # hadeploy binds a VIP to lo for a moment (lib/addresses.sh).
        if found["address"] in vips and found["interface"] != "lo":
            kind: Kind = "unbound" if found["gone"] else "bound"
            yield Event(_utc(found["at"]), node, kind, found["address"])
    elif found := _CONTAINER.match(line):
        if found["action"] in _ACTIONS:
            what = f"{found['name']} {found['action']}"
            yield Event(int(found["ns"]) / 1e9, node, "container", what)
    elif found := _LOG.match(line):
        for pattern, kind, what in _KEEPALIVED:
            if match := pattern.search(found["text"]):
                yield Event(_utc(found["at"]), node, kind, match.expand(what), found["text"])
                return
        yield Event(_utc(found["at"]), node, "log", found["text"])


def _utc(text: str) -> float:
    whole, _, fraction = text.partition(".")
    # Docker writes nanoseconds, which Python before 3.11 does not parse.
    moment = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp() + float(f"0.{fraction or 0}")
