"""Check for a cluster that was set up by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.managers import manager_of
from hadeploy.adopt.recognise import problem_and_hint, recognise
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

SET_UP_BY_HAND = Check(
    "set-up-by-hand",
    "no cluster by hand",
    "no cluster that was set up by hand has the VIP or the ports. With `--adopt`, it fails only "
    "if the old haproxy serves the backends on other ports than the inventory, because its "
    "clients would be refused",
    "take it over with `hadeploy up --adopt`; if the port differs, set "
    "`listeners: [{port: ...}]` first",
)


@SET_UP_BY_HAND.of_node
def set_up_by_hand(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether a cluster that was set up by hand has the VIP or the ports."""
    by_hand = recognise(context.cluster, state)
    managed = by_hand is not None and any(manager_of(p.container) for p in by_hand.parts)
    if by_hand is not None and not managed and (by_hand.elsewhere or not context.adopt):
        yield Finding(
            SET_UP_BY_HAND.id, node.label, "fail", *problem_and_hint(context.cluster, by_hand)
        )
    elif not managed:
        yield Finding(SET_UP_BY_HAND.id, node.label, "pass", "no conflict")
