"""Rules for combinations of values that are each valid. Pure.

A rule yields pairs of a key path and a message.
"""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import KeyPath
from hadeploy.inventory.rules import addresses, advisable, images, listeners, paths, vrrp

__all__ = ["advice", "broken_rules"]

_RULES = (*addresses.RULES, *listeners.RULES, *vrrp.RULES, *images.RULES, *paths.RULES)


def broken_rules(cluster: Cluster) -> list[tuple[KeyPath, str]]:
    """The errors in an inventory whose single values are valid: a key path and a message each."""
    return [broken for rule in _RULES for broken in rule(cluster)]


def advice(cluster: Cluster) -> list[tuple[KeyPath, str]]:
    """The warnings for a valid inventory: a key path and a message each."""
    return [hint for rule in advisable.RULES for hint in rule(cluster)]
