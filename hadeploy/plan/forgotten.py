"""The effect of a change of VRRP settings on forgotten nodes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.desired.containers import removal_command
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.vrrp_settings import NAMES

# A node accepts adverts after a change of these settings on the holder.
_COMPATIBLE = {NAMES["interface"], NAMES["source"]}
V3 = 3


def incompatible_nodes(
    cluster: Cluster, desired: Mapping[str, DesiredNode], settings: Collection[str]
) -> list[str]:
    """The addresses of forgotten nodes that discard the adverts of the holder after a change.

    Args:
        cluster: the inventory.
        desired: by node label.
        settings: the cluster-wide settings that change, in words.
    """
    if not _discarded(cluster, settings):
        return []
    return sorted({address for wanted in desired.values() for address in wanted.forgotten})


def _discarded(cluster: Cluster, settings: Collection[str]) -> list[str]:
    compatible = _COMPATIBLE
    if cluster.vrrp.version == V3:
        # A backup adopts the interval from the adverts (RFC 5798, 6.4.2).
        compatible = compatible | {NAMES["advert_interval"]}
    return [name for name in settings if name not in compatible]


def forgotten_warnings(
    cluster: Cluster, desired: Mapping[str, DesiredNode], settings: Collection[str]
) -> Iterator[str]:
    """A warning about forgotten nodes that would discard the holder's adverts after the change.

    A forgotten node was not stopped and keeps its old settings.

    Args:
        desired: by node label.
        settings: the cluster-wide settings that change, in words.
    """
    changed = _discarded(cluster, settings)
    addresses = incompatible_nodes(cluster, desired, settings)
    if not addresses:
        return
    one = len(addresses) == 1
    yield (
        f"{', '.join(addresses)} {'was' if one else 'were'} forgotten but not stopped, and "
        f"{'keeps' if one else 'keep'} the old {', '.join(changed)}: back on the network, "
        f"{'it ignores' if one else 'they ignore'} the adverts of the holder and may take the VIP "
        f"too. Before {'it is' if one else 'they are'} connected, run there: "
        f"`{removal_command(cluster)}`"
    )
