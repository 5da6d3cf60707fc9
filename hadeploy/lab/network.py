"""The lab's network: a bridge, a veth pair for each node, and blackhole routes.

The blackhole route is added before the bridge and removed after it, so that no packet for the lab
ever follows the default route.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
from pathlib import Path
from typing import Any

from hadeploy.lab.addressing import Addressing, Endpoint
from hadeploy.lab.tools import run_tool

NETNS = Path("/run/netns")


def ipv6_available() -> bool:
    """Whether this machine's kernel has IPv6 and enables it on new interfaces."""
    switch = Path("/proc/sys/net/ipv6/conf/default/disable_ipv6")
    return switch.exists() and switch.read_text().strip() == "0"


def bridged_traffic_is_filtered() -> bool:
    """Whether br_netfilter passes frames between nodes to the firewall, as on Docker hosts."""
    switch = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    return switch.exists() and switch.read_text().strip() == "1"


def namespace_file(addressing: Addressing, node: str) -> Path:
    """The file of a node's named network namespace."""
    return NETNS / addressing.scope(node)


def _ip_json(*argv: str) -> list[dict[str, Any]]:
    text = run_tool(("ip", "-j", *argv), operation="reading this machine's network")
    # Old iproute2 prints nothing or [{}] for an empty list.
    return [entry for entry in json.loads(text or "[]") if entry]


def links() -> set[str]:
    """All interfaces in this machine's network namespace."""
    return {entry["ifname"] for entry in _ip_json("link", "show")}


def links_up() -> set[str]:
    """The interfaces that are up at both ends."""
    return {entry["ifname"] for entry in _ip_json("link", "show") if "LOWER_UP" in entry["flags"]}


def networks_in_use(addressing: Addressing) -> list[tuple[str, ipaddress.IPv4Network]]:
    """The IPv4 networks of this machine and of other labs: (owner, network)."""
    found = [
        (
            f"interface {link['ifname']}",
            ipaddress.IPv4Network(f"{a['local']}/{a['prefixlen']}", False),
        )
        for link in _ip_json("-4", "address", "show")
        if link["ifname"] != addressing.bridge
        for a in link.get("addr_info", ())
    ]
    for route in _ip_json("-4", "route", "show", "table", "all", "type", "blackhole"):
        if route.get("metric") != addressing.blackhole_metric and route["dst"] != "default":
            found.append(("a blackhole route", ipaddress.IPv4Network(route["dst"])))
    return found


def bridge_up(addressing: Addressing, *, ipv6: bool) -> None:
    """Add the blackhole routes, then the bridge with the controller's addresses.

    Raises:
        HadeployError: a tool failed.
    """
    metric = str(addressing.blackhole_metric)
    operation = f"setting up bridge {addressing.bridge}"
    for family, subnet in _families(addressing, ipv6):
        run_tool(
            ("ip", family, "route", "replace", "blackhole", subnet, "metric", metric),
            operation=operation,
        )
    bridge = addressing.bridge
    commands = []
    if bridge not in links():
        # Without its own address, a bridge uses one of its ports', which may change.
        commands += [
            f"link add {bridge} address {addressing.controller.mac}"
            " type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        ]
    commands += [
        f"address replace {addressing.controller.v4} broadcast + dev {bridge}",
        *([f"address replace {addressing.controller.v6} dev {bridge} nodad"] if ipv6 else []),
        f"link set {bridge} up",
    ]
    _batch(commands, operation=operation)


def plug_in(addressing: Addressing, node: str, *, ipv6: bool) -> None:
    """Create a node's network namespace, veth pair and addresses, as far as they are missing.

    Raises:
        HadeployError: a tool failed.
    """
    scope, endpoint = addressing.scope(node), addressing.node(node)
    operation = f"connecting node {node}"
    namespace = namespace_file(addressing, node)
    if not _is_namespace(namespace):
        if namespace.exists():
            run_tool(("ip", "netns", "delete", scope), operation=operation)
        run_tool(("ip", "netns", "add", scope), operation=operation)
    if scope not in links():
        _batch(
            [f"link add {scope} type veth peer name eth0 address {endpoint.mac} netns {scope}"],
            operation=operation,
        )
    _batch([f"link set {scope} master {addressing.bridge} up"], operation=operation)
    _batch(_node_commands(endpoint, ipv6=ipv6), operation=operation, scope=scope)


def _is_namespace(file: Path) -> bool:
    # `ip netns add` creates the file first and then mounts the namespace; it may be killed between.
    return file.exists() and file.stat().st_dev == Path("/proc/self/ns/net").stat().st_dev


def _node_commands(endpoint: Endpoint, *, ipv6: bool) -> list[str]:
    return [
        "link set lo up",
        f"address replace {endpoint.v4} broadcast + dev eth0",
        *([f"address replace {endpoint.v6} dev eth0 nodad"] if ipv6 else []),
        "link set eth0 up",
    ]


def set_cable(addressing: Addressing, node: str, *, up: bool) -> None:
    """Set this machine's end of a node's veth pair up or down."""
    word = "up" if up else "down"
    run_tool(
        ("ip", "link", "set", addressing.scope(node), word),
        operation=f"setting {node}'s link {word}",
    )


def plugged_in(addressing: Addressing, *, ipv6: bool) -> bool:
    """Whether the bridge and all veth pairs, namespaces and addresses exist."""
    states = {link["ifname"]: link for link in _ip_json("link", "show")}
    wanted = [addressing.bridge, *(addressing.scope(n) for n in addressing.nodes)]
    if any("UP" not in states.get(name, {"flags": ()})["flags"] for name in wanted):
        return False
    if not all(_is_namespace(namespace_file(addressing, node)) for node in addressing.nodes):
        return False
    return _has(addressing.controller, addressing.bridge, None, ipv6=ipv6) and all(
        _has(addressing.node(node), "eth0", addressing.scope(node), ipv6=ipv6)
        for node in addressing.nodes
    )


def _has(endpoint: Endpoint, link: str, scope: str | None, *, ipv6: bool) -> bool:
    inside = ("-n", scope) if scope else ()
    shown = _ip_json(*inside, "address", "show", "dev", link)
    found = {a.get("local") for entry in shown for a in entry.get("addr_info", ())}
    return str(endpoint.v4.ip) in found and (not ipv6 or str(endpoint.v6.ip) in found)


def unplug(scope: str) -> None:
    """Remove a node's veth pair and network namespace, if they exist."""
    operation = f"removing {scope}"
    if scope in links():
        run_tool(("ip", "link", "delete", scope), operation=operation)
    if (NETNS / scope).exists():
        run_tool(("ip", "netns", "delete", scope), operation=operation)


def tidy_namespace_folder() -> None:
    """Remove the mount that `ip netns` creates with the first namespace, if none is left."""
    # Path.is_mount() does not detect a folder that is mounted on itself.
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    if any(line.split()[4] == str(NETNS) for line in mounts) and not any(NETNS.iterdir()):
        # If another process adds one now, the mount is busy and stays.
        run_tool(("umount", str(NETNS)), operation=f"tidying {NETNS}", check=False)
        with contextlib.suppress(OSError):
            NETNS.rmdir()


def leftover_scopes(prefix: str) -> list[str]:
    """The names of all interfaces and namespaces of a lab's nodes."""
    names = links() | ({entry.name for entry in NETNS.iterdir()} if NETNS.is_dir() else set())
    return sorted(name for name in names if name.startswith(f"{prefix}-n"))


def bridge_down(addressing: Addressing) -> None:
    """Remove the bridge and then the blackhole routes."""
    operation = f"removing bridge {addressing.bridge}"
    if addressing.bridge in links():
        run_tool(("ip", "link", "delete", addressing.bridge), operation=operation)
    metric = addressing.blackhole_metric
    for family in ("-4", "-6"):
        for route in _blackholes(family):
            if route.get("metric") == metric:
                run_tool(
                    (
                        "ip",
                        family,
                        "route",
                        "delete",
                        "blackhole",
                        route["dst"],
                        "metric",
                        str(metric),
                    ),
                    operation=operation,
                )


def _blackholes(family: str) -> list[dict[str, Any]]:
    if family == "-6" and not Path("/proc/net/if_inet6").exists():
        return []
    return _ip_json(family, "route", "show", "table", "all", "type", "blackhole")


def exists(addressing: Addressing) -> bool:
    """Whether any part of this lab's network exists."""
    return (
        addressing.bridge in links()
        or bool(leftover_scopes(addressing.prefix))
        or any(
            route.get("metric") == addressing.blackhole_metric
            for family in ("-4", "-6")
            for route in _blackholes(family)
        )
    )


def _families(addressing: Addressing, ipv6: bool) -> list[tuple[str, str]]:
    both = [("-4", str(addressing.subnet)), ("-6", str(addressing.subnet6))]
    return both if ipv6 else both[:1]


def _batch(commands: list[str], *, operation: str, scope: str | None = None) -> None:
    inside = ("-n", scope) if scope else ()
    run_tool(
        ("ip", *inside, "-batch", "-"),
        operation=operation,
        stdin="".join(f"{line}\n" for line in commands),
    )
