"""The VRRP settings in the keepalived.conf of a keepalived that was set up by hand. Pure."""

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

# Keywords that hadeploy has no counterpart for, and that a takeover would lose → their effect.
_UNSUPPORTED = {
    "vrrp_sync_group": "ties several instances together",
    "virtual_server": "makes keepalived a load balancer",
    "virtual_server_group": "makes keepalived a load balancer",
    "static_ipaddress": "sets addresses besides the VIP",
    "static_routes": "sets routes",
    "static_rules": "sets routing rules",
    "virtual_routes": "sets routes on the holder",
    "virtual_rules": "sets routing rules on the holder",
    "use_vmac": "gives the VIP its own MAC address",
    "use_ipvlan": "gives the VIP its own interface",
    "vrf": "puts the instance into a VRF",
    "net_namespace": "puts keepalived into another network namespace",
    "vrrp_strict": "drops authentication and connections to the VIP",
    "strict_mode": "drops authentication and connections to the VIP",
    "old_unicast_checksum": "changes the checksum of adverts",
    "v3_checksum_as_v2": "changes the checksum of adverts",
    "auth_hmac": "signs adverts",
}


class Refused(Exception):  # noqa: N818 - an expected result, not an error of the program
    """A configuration that hadeploy cannot take over.

    Args:
        reasons: (problem, hint), without secrets.
    """

    def __init__(self, reasons: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(what for what, _ in reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True)
class Script:
    """A tracked check of the instance; with weight 0, a failure puts it in FAULT."""

    name: str
    command: str
    weight: int


@dataclass(frozen=True)
class Classic:
    """The VRRP instance of one node.

    Attributes:
        instance: its name.
        interface: the interface of its adverts.
        virtual_router_id: 1 to 255.
        version: 2 or 3.
        advert_interval: seconds, as keepalived rounds it.
        password: the password in its adverts, at most 8 bytes; None without authentication.
        source: `unicast_src_ip`, or None.
        peers: for unicast; empty: multicast.
        vips: addresses with their prefix, in order; those in its adverts come first.
        priority: as configured, without weights.
        state: the initial state.
        nopreempt: whether the VIP stays on a node with lower priority; False if `state` is MASTER.
        scripts: its tracked checks.
        notify: its notify lines.
        tree: the whole file; may contain a secret.
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
    """The VRRP instance in a keepalived.conf.

    Raises:
        Refused: with every reason why it cannot be taken over.
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
        reasons.append(("names no interface", "add `interface`, and restart that container"))
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
        reasons.append(("has no virtual_router_id of 1 to 255", "set that of its peers"))
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
    """Every VIP in a keepalived.conf, in any instance, even if it cannot be taken over."""
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
            "hadeploy takes over exactly one; move the others to another keepalived",
        )
    statements = list(tree.walk())
    if any(s.keyword.startswith("include") for s in statements):
        yield "includes other files", "move everything into one file, and restart that container"
    if any(s.keyword[:1] in ("@", "~") or s.keyword.startswith("$") for s in statements):
        yield (
            "uses conditions or variables (@, $, ~)",
            "replace them by their values, and restart that container",
        )
    for keyword in dict.fromkeys(s.keyword for s in statements):
        if keyword in _UNSUPPORTED:
            yield (
                f"has {keyword}, which {_UNSUPPORTED[keyword]}; hadeploy does not support it",
                f"remove {keyword} there first",
            )


def _of_groups(instance: Statement, defaults: Statement) -> Iterator[tuple[str, str]]:
    groups = [defaults.value("vrrp_mcast_group4"), defaults.value("vrrp_mcast_group6")]
    for group in (*groups, instance.value("mcast_dst_ip")):
        if group is not None and group not in _GROUPS:
            yield f"uses the multicast group {group}", f"use the standard group {_GROUPS[0]}"


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
                    f"has the VIP {vip.ip} on {device}, but sends adverts on {interface}",
                    "hadeploy requires one interface for both",
                )
            )
    advertised, excluded = (
        [vip for line in _lines(instance, keyword) if (vip := _address(line.keyword))]
        for keyword in ("virtual_ipaddress", "virtual_ipaddress_excluded")
    )
    if not advertised:
        wrong.append(("has no virtual_ipaddress", "check that it is the right keepalived"))
    elif any(vip.version == advertised[0].version for vip in excluded):
        wrong.append(
            (
                "has virtual_ipaddress_excluded for addresses of the same family as its adverts;"
                " hadeploy supports it only for the other family",
                "move them to virtual_ipaddress on all nodes first",
            )
        )
    return tuple(found), wrong


def _lines(instance: Statement, *keywords: str) -> Iterator[Statement]:
    for keyword in keywords:
        for block in instance.all(keyword):
            yield from block.block


def _peers(instance: Statement) -> tuple[str, ...]:
    """The unicast peers; an empty list, as in the classic recipe, means multicast."""
    lines = [s for block in instance.all("unicast_peer") for s in block.block]
    return tuple(
        dict.fromkeys(str(found.ip) for s in lines for w in s.words if (found := _address(w)))
    )


def _version(instance: Statement, defaults: Statement, vips: tuple[IPInterface, ...]) -> int:
    if any(vip.version == 6 for vip in vips[:1]):
        return 3
    version = instance.value("version") or defaults.value("vrrp_version") or "2"
    return 3 if version == "3" else 2


def _password(instance: Statement, version: int) -> tuple[SecretStr | None, list[tuple[str, str]]]:
    """The password in adverts: none in version 3, without a type or without a text."""
    lines = [s for block in instance.all("authentication") for s in block.walk()]
    authentication = Statement((), tuple(s for s in lines if s.keyword.startswith("auth_")))
    kind, text = authentication.value("auth_type"), authentication.value("auth_pass")
    if kind == "AH":
        return None, [
            ("has auth_type AH, which hadeploy does not support", "use PASS on all nodes first")
        ]
    if version == 3 or kind != "PASS" or not text:
        return None, []
    # keepalived sends only the first 8 bytes.
    cut = SecretStr(text.encode()[:8].decode("utf-8", "surrogateescape"))
    try:
        return vrrp_password(cut, "its keepalived.conf"), []
    except HadeployError as error:
        return None, [("has an auth_pass that hadeploy does not support", error.hint or "")]


def _number(text: str | None, default: float) -> float:
    return float(text) if text is not None and _NUMBER.fullmatch(text) else default


def _rounded(interval: float, version: int) -> float:
    """Rounded as by keepalived: to seconds in version 2, to hundredths in version 3."""
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
