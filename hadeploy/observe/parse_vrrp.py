"""Parse keepalived's dumps, statistics and logs. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterator

from hadeploy.observe.host import parse_iptables, parse_object
from hadeploy.observe.observed_node import VrrpState
from hadeploy.observe.vrrp import Counters, Diagnostics, RunningInstance
from hadeploy.scripts.protocol import Reply

# Name in the dump → name in keepalived.conf.
SETTINGS = {
    "Virtual Router ID": "virtual_router_id",
    "VRRP Version": "vrrp_version",
    "Advert interval": "advert_int",
    "Authentication type": "authentication",
}
# keepalived logs this for every observation.
_OURS = re.compile(r"Printing (VRRP|parent|checker|BFD) (data|stats) for process")
# "Mon Nov 23 22:22:10 2026: "
_CLOCK = re.compile(r"^\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}: ")


def parse_vrrp(text: str) -> VrrpState | None:
    """Parse the data dump of keepalived 2.0.19 to 2.3.4; None if there is none."""
    found = dict(re.findall(r"^   (State|Priority|Effective priority) = (\S+)$", text, re.M))
    if "State" not in found:
        return None
    priority = int(found.get("Priority", 0))
    router = re.search(r"^ Router ID = (\S+)$", text, re.M)
    return VrrpState(
        state=found["State"],
        priority=priority,
        effective_priority=int(found.get("Effective priority", priority)),
        config_id=router[1].rpartition("-")[2] if router else "",
        instance=_running_instance(text),
    )


def _running_instance(text: str) -> RunningInstance:
    says = dict(re.findall(r"^   (\w[^=\n]*?) = (.+)$", text, re.M))
    peers = _block(text, "Unicast Peer")
    settings = {name: says[key] for key, name in SETTINGS.items() if key in says}
    settings["mode"] = "unicast" if peers else "multicast"
    source = re.match(r"[0-9a-fA-F.:]+", says.get("Using src_ip", ""))
    faults = (
        int(n) for key, n in says.items() if re.match(r"Number of (inter|track).* faults", key)
    )
    return RunningInstance(
        settings=settings,
        source=source[0] if source else "",
        peers=peers,
        vips=tuple(vip.partition("/")[0] for vip in _block(text, "Virtual IP")),
        places=frozenset(_places(text)),
        # Before the first advert, the printed address is undefined (inet_sockaddrtos).
        master=says.get("Master router", "") if says.get("Master priority") != "0" else "",
        config_faults=int(says.get("Number of config faults", 0)),
        tracker_faults=sum(faults),
    )


def _block(text: str, name: str) -> tuple[str, ...]:
    """The first words of the lines below `name`, which is followed by a number or a colon."""
    return tuple(words[0] for words in _lines(text, name))


def _lines(text: str, name: str) -> list[list[str]]:
    block = re.search(rf"^   {name}(?: = \d+| \(\d+\):| :)\n((?:     \S.*\n?)*)", text, re.M)
    return [line.split() for line in block[1].splitlines()] if block else []


def _places(text: str) -> Iterator[tuple[str, str]]:
    """Interface and address/prefix of each VIP; keepalived omits the prefixes /32 and /128."""
    for address, *words in (*_lines(text, "Virtual IP"), *_lines(text, "Virtual IP Excluded")):
        with contextlib.suppress(ValueError):
            interface = words[words.index("dev") + 1] if "dev" in words[:-1] else ""
            yield interface, str(ipaddress.ip_interface(address))


def parse_counters(text: str) -> Counters | None:
    """Parse keepalived's statistics (SIGUSR2); None if there are none."""
    heading, found = "", {}
    for line in text.splitlines():
        name, colon, number = (part.strip() for part in line.partition(":"))
        if colon and not number:
            heading = name
        elif number.isdigit():
            found[heading, name] = int(number)
    if ("Advertisements", "Sent") not in found:
        return None
    refused = {
        f"{group}: {name}": number
        for (group, name), number in found.items()
        if group.endswith("Errors")
    }
    return Counters(
        found["Advertisements", "Sent"], found.get(("Advertisements", "Received"), 0), refused
    )


def parse_evidence(reply: Reply) -> Diagnostics:
    """Parse the output of diagnostics.sh of one node."""
    counters = [parse_counters(message.text) for message in reply.all("stats")]
    before, after = counters if len(counters) == 2 else (None, None)
    seconds = next((int(m.words[1]) for m in reply.all("stats") if m.words[:1] == ("after",)), 0)
    return Diagnostics(
        seconds=seconds,
        adverts=after.since(before) if before and after else None,
        logs={m.words[0]: parse_log(m.text) for m in reply.all("log") if m.words},
        iptables=parse_iptables(reply),
        ipsets=reply.body("ipset"),
        nft=parse_object(reply.body("nft")),
        frozen=frozenset(m.words[0] for m in reply.all("frozen") if m.words),
    )


def parse_log(text: str) -> tuple[str, ...]:
    """The last lines of a container, without keepalived's times and the traces of observations."""
    lines = (_CLOCK.sub("", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not _OURS.search(line))
