"""What clients lose with a plan: ports, listeners and VIPs that go away. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from hadeploy.adopt.sections import sections
from hadeploy.desired import layout
from hadeploy.desired.model import DesiredNode
from hadeploy.inventory.fields import NAME
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import Applied, ObservedNode

# Sections of ours that no client of the VIP uses.
_OWN = "hadeploy-"
# No haproxy.cfg of ours is larger; a node's word is not taken without bounds.
MOST_BYTES = 1_000_000
_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


def removed(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    changed: Collection[str],
) -> tuple[str, ...]:
    """What clients could use before and cannot use afterwards, in sentences.

    Known from the applied records, each of which counts for its own node only, and from the ports
    that haproxy's file on a node binds besides: by a template, or by hand.

    Args:
        cluster: what the nodes will have.
        desired: by node label.
        observed: by node label.
        changed: the labels of the nodes that the plan changes.
    """
    records = [look.applied for node, look in observed.items() if node in changed and look.applied]
    before = dict.fromkeys(_address(vip) for record in records for vip in record.vips)
    kept = [vip for vip in before if vip in _wanted(cluster)] or list(before)
    served = {port: record.listeners.get(port, "") for record in records for port in record.ports}
    known = {*served, *(listener.port for listener in cluster.listeners)}
    others = {
        port: name
        for node in changed
        for port, name in _unbound(desired[node], observed[node]).items()
        if records and port not in known
    }
    ports = ports_removed(cluster, {**served, **others}, kept)
    return (*ports, *_vips(cluster, records))


def metrics_removed(
    cluster: Cluster, observed: Mapping[str, ObservedNode], changed: Collection[str]
) -> Iterator[str]:
    """The ports on which haproxy's metrics are no longer served, in sentences."""
    metrics = cluster.haproxy.metrics
    records = [look.applied for node, look in observed.items() if node in changed and look.applied]
    ports = {record.metrics_port for record in records if record.metrics_port}
    for port in sorted(ports - {metrics.port if metrics else None}):
        yield f"Metrics are no longer served on port {port}."


def ports_removed(cluster: Cluster, served: Mapping[int, str], vips: Collection[str]) -> list[str]:
    """The ports that are served now and will not be, in sentences.

    Args:
        cluster: what the nodes will have.
        served: port → name of its listener now.
        vips: the addresses that clients use the ports on.
    """
    wanted = {listener.port: listener.name for listener in cluster.listeners}
    names = set(wanted.values())
    found = []
    for port, name in sorted(served.items()):
        users = " or ".join(_endpoint(vip, port) for vip in vips) or f"port {port}"
        if port not in wanted:
            which = f"Port {port} of listener {name}" if name else f"Port {port}"
            found.append(f"{which} goes away: clients that use {users} are refused.")
        elif name in names and wanted[port] != name:
            found.append(
                f"Port {port} goes from listener {name} to listener {wanted[port]}: clients that "
                f"use {users} reach other backends."
            )
    return found


def _unbound(desired: DesiredNode, observed: ObservedNode) -> dict[int, str]:
    """Port → section, of those that haproxy's file binds and will not bind."""
    there, wanted = observed.file(layout.HAPROXY_CFG), desired.file(layout.HAPROXY_CFG)
    if there is None or there.sha256 == wanted.sha256 or len(there.content) > MOST_BYTES:
        return {}
    binds = _binds(there.content.decode("utf-8", "replace"))
    left = _binds(wanted.content)
    return {port: name for port, name in binds.items() if port not in left}


def _binds(text: str) -> dict[int, str]:
    found = {}
    for section in sections(text):
        name = section.name.partition(" ")[0]
        if section.kind not in ("frontend", "listen") or name.startswith(_OWN):
            continue
        for line in section.all("bind"):
            for bind in (part for word in line.words[1:2] for part in word.split(",")):
                address, _, port = bind.rpartition(":")
                if re.fullmatch(r"[0-9]{1,5}", port) and address not in _LOOPBACK:
                    found[int(port)] = name if re.fullmatch(NAME, name) else ""
    return found


def _vips(cluster: Cluster, records: Collection[Applied]) -> Iterator[str]:
    before = dict.fromkeys(_address(vip) for record in records for vip in record.vips)
    new = [vip for vip in _wanted(cluster) if vip not in before]
    for vip in before:
        if vip not in _wanted(cluster):
            becomes = f" ({', '.join(new)} takes its place)" if new else ""
            yield (
                f"VIP {vip} goes away{becomes}: clients that use it are refused or get no answer."
            )


def _wanted(cluster: Cluster) -> list[str]:
    return [str(vip.ip) for vip in cluster.vip]


def _address(vip: str) -> str:
    return vip.partition("/")[0]


def _endpoint(vip: str, port: int) -> str:
    return f"[{vip}]:{port}" if ":" in vip else f"{vip}:{port}"
