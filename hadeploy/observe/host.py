"""The facts of a node as a machine, parsed from the output of preflight.sh. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.inventory.problems import printable
from hadeploy.scripts.kinds import Kind
from hadeploy.scripts.protocol import Reply

CAP_SYS_RESOURCE = 24

_REFUSED = ("advertisement interval mismatch", "received a", "wrong")
_SOURCE = re.compile(r"(?:from|with) (\d+(?:\.\d+){3})\b")


@dataclass(frozen=True)
class Link:
    """A network interface.

    Attributes:
        flags: as the kernel names them: UP, LOWER_UP, ...
        mac: its hardware address, or "".
    """

    flags: frozenset[str]
    mac: str

    @property
    def up(self) -> bool:
        """Whether it is switched on and has a carrier."""
        return {"UP", "LOWER_UP"} <= self.flags


@dataclass(frozen=True)
class Nofile:
    """The limits on open files of a container.

    Attributes:
        most: the limit of the kernel.
        hard: the hard limit of the engine; None for no limit.
        raises: whether the engine may raise limits (CAP_SYS_RESOURCE).
    """

    most: int
    hard: int | None
    raises: bool


@dataclass(frozen=True)
class Host:
    """The facts that the checks use.

    Attributes:
        thorough: whether the fields after `haproxies` were read; `root` of `free`, `read_only` and
            some of `facts` always are.
        links: by name.
        gateways: addresses of the default routers.
        haproxies: pid → container id of every haproxy, or "" for one that runs on the host.
        haproxy_users: pid → user, for those on the host; any user can give a process that name.
        neighbours: for each VIP that was probed on the segment, the hardware address that answered,
            or "".
        docker: the output of `docker info`, or {}.
        free: free bytes of `docker` (its data folder), `root` (the folder of the cluster), `run`.
        free_inodes: free inodes of the same folders, if the file system limits them.
        read_only: the folders of those two that are on a read-only file system.
        folder: the problems of the cluster's folder → a path: "blocked" by a file, "inside" the
            folder of another cluster, "foreign" files in it.
        facts: all other facts by name; a kernel setting has its sysctl name:
            `net/ipv4/ip_nonlocal_bind`, ...
        units: systemd unit → state, and `UNIT.boot` → whether it is enabled.
        iptables: the output of `TOOL-save` by tool: iptables, ip6tables and the same with
            `-legacy`.
        ipsets: the output of ipset.
        nft: the rule set from `nft -j`, or {}.
        resolution: seconds to resolve the node's own name, or None.
        advert_sources: the addresses that send adverts with the cluster's virtual_router_id, "" for
            an unknown address; None if the node did not listen.
        selinux: whether SELinux is in enforcing mode.
        label: the SELinux label of the cluster's folder, or "".
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    gateways: frozenset[str] = frozenset()
    haproxies: Mapping[int, str] = field(default_factory=dict)
    haproxy_users: Mapping[int, str] = field(default_factory=dict)
    thorough: bool = False
    neighbours: Mapping[str, str] = field(default_factory=dict)
    docker: Mapping[str, Any] = field(default_factory=dict, repr=False)
    free: Mapping[str, int] = field(default_factory=dict)
    free_inodes: Mapping[str, int] = field(default_factory=dict)
    read_only: frozenset[str] = frozenset()
    folder: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict, repr=False)
    nofile: Nofile | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    iptables: Mapping[str, str] = field(default_factory=dict, repr=False)
    ipsets: str = field(default="", repr=False)
    nft: Mapping[str, Any] = field(default_factory=dict, repr=False)
    resolution: float | None = None
    advert_sources: tuple[str, ...] | None = None
    selinux: bool = False
    label: str = ""

    @property
    def nonlocal_bind(self) -> bool:
        """Whether a program may bind an IPv4 address that the node does not have."""
        return self.facts.get("net/ipv4/ip_nonlocal_bind") == "1"

    @property
    def security(self) -> str:
        """The engine's security options (`name=rootless`, `name=selinux`, ...), in one line."""
        options = self.docker.get("SecurityOptions")
        return " ".join(map(str, options)) if isinstance(options, list) else ""


def parse_host(reply: Reply) -> Host:
    """Parse the facts in the output of observe.sh."""
    room = {m.words[0]: tuple(map(int, m.words[1:])) for m in reply.all("free")}
    free = {name: each for name, each in room.items() if len(each) == 4}
    resolution = next((m.words for m in reply.all("resolution") if m.words), None)
    return Host(
        links=parse_links(reply.body("links")),
        gateways=frozenset(re.findall(r"\bvia (?:inet6 )?(\S+)", reply.body("routes"))),
        haproxies=_processes(reply.body("haproxy-processes")),
        haproxy_users=_users(reply.body("haproxy-users")),
        thorough=bool(reply.all("thorough")),
        neighbours={m.words[0]: parse_neighbour(m.text) for m in reply.all("neighbour") if m.words},
        docker=parse_object(reply.body("docker-info")),
        free={name: blocks * size for name, (blocks, size, _, _) in free.items()},
        free_inodes={name: left for name, (_, _, left, total) in free.items() if total},
        read_only=frozenset(m.words[0] for m in reply.all("read-only") if m.words),
        folder=parse_folder(reply),
        facts=parse_facts(reply),
        nofile=parse_nofile(reply.body("nofile")),
        units=dict(line.split("=", 1) for line in reply.body("units").splitlines() if "=" in line),
        iptables=parse_iptables(reply),
        ipsets=reply.body("ipset"),
        nft=parse_object(reply.body("nft")),
        resolution=int(resolution[0]) / 100 if resolution else None,
        advert_sources=parse_advert_sources(reply.body("vrrp-listener")),
        selinux=any(m.words[:1] == ("1",) for m in reply.all("selinux")),
        label=next((m.words[1] for m in reply.all("selinux") if len(m.words) > 1), ""),
    )


def parse_facts(reply: Reply) -> dict[str, str]:
    """Facts by name: the words after the name, or the lines below."""
    facts = (message for message in reply.all("fact") if message.words)
    return {fact.words[0]: " ".join(fact.words[1:]) or fact.text for fact in facts}


def parse_folder(reply: Reply) -> dict[str, str]:
    """The problems of the cluster's folder: blocked, inside or foreign → a path."""
    found: dict[str, str] = {}
    for message in reply.all("folder"):
        if len(message.words) > 1:
            found.setdefault(message.words[0], printable(" ".join(message.words[1:])))
    return found


def parse_iptables(reply: Reply) -> dict[str, str]:
    """The output of each `TOOL-save` that printed rules, by tool.

    If only legacy tables exist, `iptables` is an alias of `iptables-legacy`, and is not repeated.
    """
    found: dict[str, str] = {}
    kinds: tuple[Kind, ...] = (
        "iptables-save",
        "ip6tables-save",
        "iptables-legacy-save",
        "ip6tables-legacy-save",
    )
    for kind in kinds:
        tool, text = kind.removesuffix("-save"), reply.body(kind)
        same = _rules(text) == _rules(found.get(tool.removesuffix("-legacy"), ""))
        if text.startswith("#") and not same:
            found[tool] = text
    return found


def _rules(text: str) -> list[str]:
    """The lines without comments and counters."""
    lines = (re.sub(r" \[\d+:\d+\]$", "", line) for line in text.splitlines())
    return [line for line in lines if not line.startswith("#")]


def parse_links(text: str) -> dict[str, Link]:
    """Parse `ip -o link show`."""
    found = {}
    for line in text.splitlines():
        # In steps: one regular expression would take hours for a very long line.
        begin, _, rest = line.partition("<")
        flags, end, _ = rest.partition(">")
        name = re.match(r"\d+: ([^:@ ]+)", begin)
        if name and end:
            mac = re.search(r"link/ether ([0-9a-f:]{17})", line)
            found[name[1]] = Link(frozenset(flags.split(",")), mac[1] if mac else "")
    return found


def parse_neighbour(text: str) -> str:
    """Parse `ip neigh show to ADDRESS`: the hardware address that answered, or ""."""
    answered = re.search(r"\blladdr ([0-9a-f:]{17})", text)
    return answered[1] if answered else ""


def parse_advert_sources(text: str) -> tuple[str, ...] | None:
    """The sources of the adverts that a listening keepalived refused; None if it did not run.

    Args:
        text: the log lines of its instance.
    """
    if "Entering BACKUP STATE" not in text:
        return None
    refusals = [line for line in text.splitlines() if _refuses(line)]
    sources = (_SOURCE.search(line) for line in refusals)
    return tuple(sorted({source[1] if source else "" for source in sources}))


def _refuses(line: str) -> bool:
    """Whether the line reports a refused advert."""
    message = line.partition("(listener) ")[2].lower()
    return message.startswith(_REFUSED) or "expect" in message


def parse_nofile(text: str) -> Nofile | None:
    """Parse limits from `name=value` lines; None if the process of the engine was not found."""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if not values.get("most", "").isdigit() or "hard" not in values:
        return None
    capabilities = int(values.get("capabilities") or "0", 16)
    return Nofile(
        most=int(values["most"]),
        hard=int(values["hard"]) if values["hard"].isdigit() else None,
        raises=bool(capabilities >> CAP_SYS_RESOURCE & 1),
    )


def _processes(text: str) -> dict[int, str]:
    words = [line.split() for line in text.splitlines()]
    return {int(w[0]): w[1] if len(w) > 1 else "" for w in words if w and w[0].isdigit()}


def _users(text: str) -> dict[int, str]:
    words = [line.split(" ", 2) for line in text.splitlines()]
    return {int(w[0]): f"{w[2]} (uid {w[1]})" for w in words if len(w) == 3 and w[0].isdigit()}


def parse_object(text: str) -> dict[str, Any]:
    """The first JSON object in the output of a program, or {}."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                return {}
            return found if isinstance(found, dict) else {}
    return {}
