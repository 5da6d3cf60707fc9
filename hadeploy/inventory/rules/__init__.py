"""What an inventory must not say although each of its values is fine, each with the reason.

All pure; a rule yields (key path, message) pairs.
"""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import KeyPath
from hadeploy.inventory.rules import addresses, advisable, images, listeners, paths, vrrp

__all__ = ["advice", "broken_rules"]

_RULES = (*addresses.RULES, *listeners.RULES, *vrrp.RULES, *images.RULES, *paths.RULES)


def broken_rules(cluster: Cluster) -> list[tuple[KeyPath, str]]:
    """What cannot work.

    Args:
        cluster: an inventory whose values are valid one by one.

    Returns:
        The key path and a sentence with the reason for each; empty when all is well.
    """
    return [broken for rule in _RULES for broken in rule(cluster)]


def advice(cluster: Cluster) -> list[tuple[KeyPath, str]]:
    """What works, but probably not as the user wishes.

    Args:
        cluster: an inventory that breaks no rule.

    Returns:
        The key path and a sentence for each.
    """
    return [hint for rule in advisable.RULES for hint in rule(cluster)]
