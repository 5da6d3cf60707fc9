"""Ports that go away and that no client of a VIP uses: of one node, and of metrics. Pure."""

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
    """The ports on one address of a node, and those of metrics, that go away, in sentences.

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
    """What listens on one address of a node, no loopback address and no VIP, and will not.

    Args:
        before: where haproxy listens.
        after: where it will.
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
    """Where statistics and metrics were and will not be, in sentences.

    Args:
        before: where haproxy listens.
        after: where it will.
    """
    will_be = [bind for bind in after if bind.statistics and bind.section != HEALTH]
    sentences = []
    for bind in before:
        if not bind.statistics or bind.section == HEALTH or _still(bind, will_be):
            continue
        new = [other for other in will_be if other.section == bind.section] or will_be
        if new and new[0].port == bind.port:
            sentences.append(
                f"Metrics on port {bind.port} are no longer on {_host(bind)}, but on "
                f"{_host(new[0])}."
            )
        else:
            where = f"; they are on port {new[0].port} then" if new else ""
            sentences.append(f"Metrics are no longer served on port {bind.port}{where}.")
    return list(dict.fromkeys(sentences))


def _still(bind: Bind, after: Collection[Bind]) -> bool:
    return any(
        bind.port == other.port and (bind.host == other.host or _includes(other, bind))
        for other in after
    )


def _includes(other: Bind, bind: Bind) -> bool:
    """Whether every address of a family is listened on that the other one is of."""
    return bind.fixed and other.covers(bind.host)


def _host(bind: Bind) -> str:
    if bind.fixed:
        return bind.host
    return f"every {'IPv6' if bind.host == '::' else 'IPv4'} address"


def _closed(node: str, bind: Bind) -> str:
    whose = f" (listener {bind.section})" if bind.section else ""
    return f"{node}: haproxy no longer listens on {bind.shown}{whose}, an address of the node."
