"""Check for a cluster that was set up by hand. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.managers import manager_of
from hadeploy.adopt.recognise import recognise, words
from hadeploy.check.model import CheckContext, Finding
from hadeploy.inventory.model import Node
from hadeploy.observe.model import ObservedNode


def set_up_by_hand(sight: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether somebody's own cluster serves in our place."""
    by_hand = recognise(sight.cluster, look)
    managed = by_hand is not None and any(manager_of(p.container) for p in by_hand.parts)
    if by_hand is not None and not managed and (by_hand.elsewhere or not sight.adopt):
        yield Finding("set-up-by-hand", node.label, "fail", *words(sight.cluster, by_hand))
    elif not managed:
        yield Finding("set-up-by-hand", node.label, "pass", "none that is in the way")
