"""What clients lose with a plan: ports, listeners and VIPs that go away. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import Applied, ObservedNode
from hadeploy.plan.binds import ChangedFile, changed_file, ports_at

# Port → name of its listener, or "".
Served = Mapping[int, str]


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
    files = [changed_file(desired[node], observed[node]) for node in changed] if records else []
    known = [file for file in files if file is not None]
    served = {port: record.listeners.get(port, "") for record in records for port in record.ports}
    lost = {vip: served | _unbound(cluster, known, vip, served) for vip in kept}
    same = {port for port in served if known and all(file.same_servers(port) for file in known)}
    return (*ports_removed(cluster, lost, same=same), *_vips(cluster, records))


def _unbound(
    cluster: Cluster, files: Collection[ChangedFile], vip: str, served: Served
) -> dict[int, str]:
    """Port → section, of those besides the listeners that serve a VIP now and will not."""
    known = {*served, *(listener.port for listener in cluster.listeners)}
    found: dict[int, str] = {}
    for file in files:
        left, there = (
            ports_at([bind for bind in binds if not bind.own], vip)
            for binds in (file.after, file.before)
        )
        found |= {port: name for port, name in there.items() if port not in known | left.keys()}
    return found


def ports_removed(
    cluster: Cluster, served: Mapping[str, Served], *, same: Collection[int] = ()
) -> list[str]:
    """The ports that are served now and will not be, in sentences.

    Args:
        cluster: what the nodes will have.
        served: by VIP; its ports.
        same: ports that keep their backends, whatever the name of the listener.
    """
    wanted = {listener.port: listener.name for listener in cluster.listeners}
    found: dict[tuple[int, str], list[str]] = {}
    for vip, ports in served.items():
        for port, name in ports.items():
            found.setdefault((port, name), []).append(vip)
    gone = {key: vips for key, vips in sorted(found.items()) if key[0] not in wanted}
    sentences = {ports[0]: _goes_away(ports, name, vips) for ports, name, vips in _ranges(gone)}
    for (port, name), vips in found.items():
        moved = name in wanted.values() and wanted.get(port, name) != name
        if moved and port not in same:
            sentences[port] = (
                f"Port {port} goes from listener {name} to listener {wanted[port]}: clients that "
                f"use {_endpoints(vips, str(port))} reach other backends."
            )
    return [sentence for _, sentence in sorted(sentences.items())]


def _ranges(
    gone: Mapping[tuple[int, str], list[str]],
) -> Iterator[tuple[tuple[int, int], str, list[str]]]:
    """First and last port, listener and VIPs, of neighbours that have both in common."""
    runs: list[tuple[tuple[int, int], str, list[str]]] = []
    for (port, name), vips in gone.items():
        (first, last), *others = runs[-1] if runs else ((0, -1), "", [])
        if port == last + 1 and others == [name, vips]:
            runs[-1] = ((first, port), name, vips)
        else:
            runs.append(((port, port), name, vips))
    yield from runs


def _goes_away(ports: tuple[int, int], name: str, vips: Collection[str]) -> str:
    several = ports[0] != ports[1]
    number = f"{ports[0]}-{ports[1]}" if several else str(ports[0])
    what = f"Port{'s' if several else ''} {number}" + (f" of listener {name}" if name else "")
    return (
        f"{what} {'go' if several else 'goes'} away: clients that use "
        f"{_endpoints(vips, number)} are refused."
    )


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


def _endpoints(vips: Collection[str], port: str) -> str:
    """Where clients connect; the ports alone where no VIP is known."""
    shown = (f"[{vip}]:{port}" if ":" in vip else f"{vip}:{port}" for vip in vips)
    return " or ".join(shown) or f"port {port}"
