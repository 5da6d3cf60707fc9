"""Ports, listeners and VIPs that a plan removes for clients. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.binds import ChangedFile, changed_file, ports_at

# Port → name of its listener, or "".
Served = Mapping[int, str]


def removed(
    cluster: Cluster,
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    changed: Collection[str],
) -> tuple[str, ...]:
    """A sentence for each port or VIP that clients can use now and not after the plan.

    The sources are the records of the changed nodes, and additional ports in haproxy.cfg on the
    nodes, from a template or a change by hand.

    Args:
        cluster: the inventory to apply.
        desired: by node label.
        observed: by node label.
        changed: the labels of the nodes that the plan changes.
    """
    records = [
        state.applied for node, state in observed.items() if node in changed and state.applied
    ]
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
    """Port → section, of additional ports that serve a VIP now and not after the plan."""
    known = {*served, *(listener.port for listener in cluster.listeners)}
    found: dict[int, str] = {}
    for file in files:
        after, before = (
            ports_at([bind for bind in binds if not bind.own], vip)
            for binds in (file.after, file.before)
        )
        found |= {port: name for port, name in before.items() if port not in known | after.keys()}
    return found


def ports_removed(
    cluster: Cluster, served: Mapping[str, Served], *, same: Collection[int] = ()
) -> list[str]:
    """A sentence for each port that is served now and not after the plan.

    Args:
        cluster: the inventory to apply.
        served: the current ports by VIP.
        same: ports that keep their backends, even if the listener is renamed.
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
                f"Port {port} changes from listener {name} to listener {wanted[port]}: clients of "
                f"{_endpoints(vips, str(port))} will reach other backends."
            )
    return [sentence for _, sentence in sorted(sentences.items())]


def _ranges(
    gone: Mapping[tuple[int, str], list[str]],
) -> Iterator[tuple[tuple[int, int], str, list[str]]]:
    """First and last port, listener and VIPs, of consecutive ports with the same ones."""
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
        f"{what} {'are' if several else 'is'} removed: connections to "
        f"{_endpoints(vips, number)} will be refused."
    )


def _vips(cluster: Cluster, records: Collection[Applied]) -> Iterator[str]:
    before = dict.fromkeys(_address(vip) for record in records for vip in record.vips)
    new = [vip for vip in _wanted(cluster) if vip not in before]
    for vip in before:
        if vip not in _wanted(cluster):
            replacement = f" (replaced by {', '.join(new)})" if new else ""
            yield f"VIP {vip} is removed{replacement}: its clients will get no answer."


def _wanted(cluster: Cluster) -> list[str]:
    return [str(vip.ip) for vip in cluster.vip]


def _address(vip: str) -> str:
    return vip.partition("/")[0]


def _endpoints(vips: Collection[str], port: str) -> str:
    """The endpoints of clients; only the ports if no VIP is known."""
    shown = (f"[{vip}]:{port}" if ":" in vip else f"{vip}:{port}" for vip in vips)
    return " or ".join(shown) or f"port {port}"
