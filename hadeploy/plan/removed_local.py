"""Removed ports that are not for clients of a VIP: on one address of a node, and metrics. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.desired.desired_node import DesiredNode
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.binds import HEALTH, Bind, changed_file


def local_removed(
    desired: Mapping[str, DesiredNode],
    observed: Mapping[str, ObservedNode],
    changed: Collection[str],
) -> Iterator[str]:
    """A sentence for each removed port on one address of a node, and for each of metrics.

    Args:
        desired: by node label.
        observed: by node label.
        changed: the labels of the nodes that the plan changes.
    """
    metrics: dict[str, list[str]] = {}
    for node in (node for node in observed if node in changed):
        file = changed_file(desired[node], observed[node])
        if file is None:
            continue
        vips = desired[node].addresses
        yield from (_closed(node, bind) for bind in closed_locally(file.before, file.after, vips))
        for sentence in metrics_moved(file.before, file.after):
            metrics.setdefault(sentence, []).append(node)
    everywhere = set(changed)
    for sentence, nodes in metrics.items():
        where = "" if set(nodes) == everywhere else f"{', '.join(nodes)}: "
        yield where + sentence


def closed_locally(
    before: Collection[Bind], after: Collection[Bind], vips: Collection[str]
) -> list[Bind]:
    """Removed binds on one address of a node that is neither loopback nor a VIP.

    Args:
        before: the current binds of haproxy.
        after: the new binds.
        vips: of the cluster.
    """
    return [
        bind
        for bind in before
        if bind.fixed
        and not (bind.own or bind.loopback or bind.host in vips)
        and not any(bind.port == left.port and left.covers(bind.host) for left in after)
    ]


def metrics_moved(before: Collection[Bind], after: Collection[Bind]) -> list[str]:
    """A sentence for each removed bind of statistics and metrics.

    Args:
        before: the current binds of haproxy.
        after: the new binds.
    """
    will_be = [bind for bind in after if bind.statistics and bind.section != HEALTH]
    sentences = []
    for bind in before:
        if not bind.statistics or bind.section == HEALTH or _still(bind, will_be):
            continue
        new = [other for other in will_be if other.section == bind.section] or will_be
        if new and new[0].port == bind.port:
            sentences.append(
                f"Metrics on port {bind.port} move from {_host(bind)} to {_host(new[0])}."
            )
        else:
            where = f" to port {new[0].port}" if new else ""
            verb = "move" if new else "are removed"
            sentences.append(f"Metrics {verb} from port {bind.port}{where}.")
    return list(dict.fromkeys(sentences))


def _still(bind: Bind, after: Collection[Bind]) -> bool:
    return any(
        bind.port == other.port and (bind.host == other.host or _includes(other, bind))
        for other in after
    )


def _includes(other: Bind, bind: Bind) -> bool:
    """Whether `other` listens on all addresses of the family, including the one of `bind`."""
    return bind.fixed and other.covers(bind.host)


def _host(bind: Bind) -> str:
    if bind.fixed:
        return bind.host
    return f"every {'IPv6' if bind.host == '::' else 'IPv4'} address"


def _closed(node: str, bind: Bind) -> str:
    listener = f" (listener {bind.section})" if bind.section else ""
    return f"{node}: haproxy no longer listens on {bind.shown}{listener}, an address of the node."
