"""What a keepalived that was set up by hand says to its peers, from its keepalived.conf. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import SecretStr

from hadeploy.config_files.keepalived import Statement, parse
from hadeploy.errors import HadeployError
from hadeploy.inventory.fields import IPInterface
from hadeploy.inventory.secrets import vrrp_password

# keepalived's own defaults (complete_vrrp in its vrrp.c).
_PRIORITY = {"BACKUP": 100, "MASTER": 255}
_GROUPS = ("224.0.0.18", "ff02::12")
_LONGEST_V3 = 40.95
_NUMBER = re.compile(r"[-+]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})")

# What ours has no counterpart for, and would be lost or speak another language.
_BEYOND_US = {
    "vrrp_sync_group": "ties several instances together",
    "virtual_server": "makes keepalived itself balance load",
    "virtual_server_group": "makes keepalived itself balance load",
    "static_ipaddress": "sets addresses besides the VIP",
    "static_routes": "sets routes",
    "static_rules": "sets routing rules",
    "virtual_routes": "sets routes where the VIP is",
    "virtual_rules": "sets routing rules where the VIP is",
    "use_vmac": "gives the VIP a MAC address of its own",
    "use_ipvlan": "gives the VIP an interface of its own",
    "vrf": "puts the instance into a VRF",
    "net_namespace": "puts keepalived into another network namespace",
    "vrrp_strict": "drops authentication and what is sent to the VIP",
    "strict_mode": "drops authentication and what is sent to the VIP",
    "old_unicast_checksum": "changes the checksum of what it says",
    "v3_checksum_as_v2": "changes the checksum of what it says",
    "auth_hmac": "signs what it says",
}


class Refused(Exception):  # noqa: N818 - it is an answer, not a mistake
    """A configuration that cannot be taken over.

    Args:
        reasons: (what, hint), in words; never a secret.
    """

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(what for what, _ in reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True)
class Script:
    """A check that the instance tracks; weight 0 means that its failure is a fault."""

    name: str
    command: str
    weight: int


@dataclass(frozen=True)
class Classic:
    """The VRRP instance of one node.

    Attributes:
        instance: its name.
        interface: where it speaks.
        virtual_router_id: 1 to 255.
        version: 2 or 3.
        advert_interval: seconds, as keepalived rounds it.
        password: what it really sends, at most 8 bytes; None without authentication.
        source: its own address for unicast, where it says one.
        peers: for unicast; none: it speaks multicast.
        vips: addresses with their prefix, in order; those that its adverts name first.
        priority: as configured, without any weight.
        state: what it starts as.
        nopreempt: whether it leaves the VIP with a worse node; never, if it starts as MASTER.
        scripts: the checks that it tracks.
        notify: its notify lines.
        tree: everything that the file says; it may hold a secret.
    """

    instance: str
    interface: str
    virtual_router_id: int
    version: int
    advert_interval: float
    password: SecretStr | None
    source: str | None
    peers: tuple[str, ...]
    vips: tuple[IPInterface, ...]
    priority: int
    state: str
    nopreempt: bool
    scripts: tuple[Script, ...]
    notify: tuple[str, ...]
    tree: Statement = field(default=Statement(()), repr=False, compare=False)

    @property
    def addresses(self) -> frozenset[str]:
        """The VIPs without their prefixes."""
        return frozenset(str(vip.ip) for vip in self.vips)


def read_classic(text: str) -> Classic:
    """The identity that a keepalived.conf gives its node.

    Args:
        text: the file as keepalived reads it.

    Raises:
        Refused: it has something that cannot be taken over; with all of it.
    """
    tree = parse(text)
    instances = tree.all("vrrp_instance")
    reasons = list(_of_file(tree, instances))
    if len(instances) != 1:
        raise Refused(reasons)
    defaults = Statement((), tuple(s for block in tree.all("global_defs") for s in block.block))
    instance = instances[0]
    interface = instance.value("interface") or ""
    if not interface:
        reasons.append(("names no interface", "say which one it is, and restart that container"))
    vips, wrong = _vips(instance, interface)
    peers = _peers(instance)
    reasons += wrong
    version = _version(instance, defaults, vips)
    password, wrong = _password(instance, version)
    reasons += wrong
    reasons += _of_groups(instance, defaults)
    state = "MASTER" if "MASTER" in [s.argument for s in instance.all("state")] else "BACKUP"
    router, priority, interval = (
        _number(instance.value(key), default)
        for key, default in (
            ("virtual_router_id", 0),
            ("priority", _PRIORITY[state]),
            ("advert_int", 1),
        )
    )
    if not 1 <= router <= 255 or router % 1:
        reasons.append(("has no virtual_router_id of 1 to 255", "set the one that its peers have"))
    if reasons:
        raise Refused(reasons)
    return Classic(
        instance=instance.argument,
        interface=interface,
        virtual_router_id=int(router),
        version=version,
        advert_interval=_rounded(interval, version),
        password=password,
        source=instance.value("unicast_src_ip") if peers else None,
        peers=peers,
        vips=vips,
        priority=int(priority),
        state=state,
        nopreempt=instance.last("nopreempt") is not None and state == "BACKUP",
        scripts=tuple(_scripts(tree, instance)),
        notify=tuple(
            f"{s.keyword} {s.argument}".strip()
            for s in instance.block
            if s.keyword.startswith("notify") and s.keyword != "notify_priority_changes"
        ),
        tree=tree,
    )


def addresses_in(text: str) -> frozenset[str]:
    """Every VIP that a keepalived.conf names, in whatever instance; also where it is refused."""
    found = set()
    for statement in parse(text).walk():
        if statement.keyword.startswith("virtual_ipaddress"):
            found |= {str(vip.ip) for line in statement.block if (vip := _address(line.keyword))}
    return frozenset(found)


def _of_file(tree: Statement, instances: list[Statement]) -> Iterator[tuple[str, str]]:
    if len(instances) != 1:
        names = ", ".join(i.argument for i in instances)
        yield (
            f"has {len(instances) or 'no'} vrrp_instance{f's: {names}' if names else ''}",
            "hadeploy takes over exactly one; move the others to a keepalived of their own",
        )
    statements = list(tree.walk())
    if any(s.keyword.startswith("include") for s in statements):
        yield "includes other files", "put everything into one file, and restart that container"
    if any(s.keyword[:1] in ("@", "~") or s.keyword.startswith("$") for s in statements):
        yield (
            "uses conditions or variables (@, $, ~)",
            "write out what they stand for, and restart that container",
        )
    for keyword in dict.fromkeys(s.keyword for s in statements):
        if keyword in _BEYOND_US:
            yield (
                f"has {keyword}, which {_BEYOND_US[keyword]}; hadeploy has nothing like it",
                f"do without {keyword} there first",
            )


def _of_groups(instance: Statement, defaults: Statement) -> Iterator[tuple[str, str]]:
    groups = [defaults.value("vrrp_mcast_group4"), defaults.value("vrrp_mcast_group6")]
    for group in (*groups, instance.value("mcast_dst_ip")):
        if group is not None and group not in _GROUPS:
            yield f"speaks to the multicast group {group}", f"use the standard {_GROUPS[0]}"


def _address(word: str) -> IPInterface | None:
    try:
        return ipaddress.ip_interface(word)
    except ValueError:
        return None


def _vips(
    instance: Statement, interface: str
) -> tuple[tuple[IPInterface, ...], list[tuple[str, str]]]:
    found: dict[IPInterface, None] = {}
    wrong = []
    for line in _lines(instance, "virtual_ipaddress", "virtual_ipaddress_excluded"):
        vip = _address(line.keyword)
        if vip is None:
            continue
        found[vip] = None
        options = dict(zip(line.words[1:], line.words[2:], strict=False))
        device = options.get("dev", interface)
        if interface and device != interface:
            wrong.append(
                (
                    f"has the VIP {vip.ip} on {device} and speaks VRRP on {interface}",
                    "hadeploy keeps both on one interface",
                )
            )
    advertised, excluded = (
        [vip for line in _lines(instance, keyword) if (vip := _address(line.keyword))]
        for keyword in ("virtual_ipaddress", "virtual_ipaddress_excluded")
    )
    if not advertised:
        wrong.append(("has no virtual_ipaddress", "is it the right keepalived?"))
    elif any(vip.version == advertised[0].version for vip in excluded):
        wrong.append(
            (
                "has virtual_ipaddress_excluded for addresses of the family of its adverts;"
                " hadeploy has it for the other family only",
                "move them to virtual_ipaddress on all nodes first",
            )
        )
    return tuple(found), wrong


def _lines(instance: Statement, *keywords: str) -> Iterator[Statement]:
    for keyword in keywords:
        for block in instance.all(keyword):
            yield from block.block


def _peers(instance: Statement) -> tuple[str, ...]:
    """An empty list, which the classic recipe has, is multicast."""
    lines = [s for block in instance.all("unicast_peer") for s in block.block]
    return tuple(
        dict.fromkeys(str(found.ip) for s in lines for w in s.words if (found := _address(w)))
    )


def _version(instance: Statement, defaults: Statement, vips: tuple[IPInterface, ...]) -> int:
    if any(vip.version == 6 for vip in vips[:1]):
        return 3
    said = instance.value("version") or defaults.value("vrrp_version") or "2"
    return 3 if said == "3" else 2


def _password(instance: Statement, version: int) -> tuple[SecretStr | None, list[tuple[str, str]]]:
    """What is sent: nothing in version 3, without a type or without a text."""
    lines = [s for block in instance.all("authentication") for s in block.walk()]
    authentication = Statement((), tuple(s for s in lines if s.keyword.startswith("auth_")))
    kind, text = authentication.value("auth_type"), authentication.value("auth_pass")
    if kind == "AH":
        return None, [
            ("has auth_type AH, which hadeploy does not speak", "use auth_type PASS on all first")
        ]
    if version == 3 or kind != "PASS" or not text:
        return None, []
    # keepalived, too, sends the first 8 bytes only.
    cut = SecretStr(text.encode()[:8].decode("utf-8", "surrogateescape"))
    try:
        return vrrp_password(cut, "its keepalived.conf"), []
    except HadeployError as error:
        return None, [("has an auth_pass that hadeploy cannot carry over", error.hint or "")]


def _number(text: str | None, default: float) -> float:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else default


def _rounded(interval: float, version: int) -> float:
    """As keepalived does: whole seconds in version 2, hundredths in version 3."""
    if version == 2:
        return float(min(max(int(interval + 0.5), 1), 255))
    return min(max(int(interval * 100 + 0.5 + 1e-6) / 100, 0.01), _LONGEST_V3)


def _scripts(tree: Statement, instance: Statement) -> Iterator[Script]:
    defined = {s.argument: s for s in tree.all("vrrp_script")}
    for line in (s for block in instance.all("track_script") for s in block.block):
        script = defined.get(line.keyword)
        if script is None:
            continue
        options = dict(zip(line.words[1:], line.words[2:], strict=False))
        weight = options.get("weight", script.value("weight"))
        yield Script(line.keyword, script.value("script") or "", int(_number(weight, 0)))
