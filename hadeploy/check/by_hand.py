"""Check for a cluster that was set up by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.managers import manager_of
from hadeploy.adopt.recognise import recognise, words
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

SET_UP_BY_HAND = Check(
    "set-up-by-hand",
    "no cluster by hand",
    "no cluster that was set up by hand serves in our place. With `--adopt` it is a failure "
    "only where the old haproxy serves the backends on other ports than the inventory's, so "
    "that its clients would be refused",
    "`hadeploy up --adopt` takes it over; where the port differs, set "
    "`listeners: [{port: ...}]` first",
)


@SET_UP_BY_HAND.of_node
def set_up_by_hand(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether somebody's own cluster serves in our place."""
    by_hand = recognise(context.cluster, look)
    managed = by_hand is not None and any(manager_of(p.container) for p in by_hand.parts)
    if by_hand is not None and not managed and (by_hand.elsewhere or not context.adopt):
        yield Finding(SET_UP_BY_HAND.id, node.label, "fail", *words(context.cluster, by_hand))
    elif not managed:
        yield Finding(SET_UP_BY_HAND.id, node.label, "pass", "none that is in the way")
