"""What a change of VRRP settings means for nodes that were forgotten. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.desired.containers import removal_command
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.vrrp_settings import NAMES

# A node hears the adverts of another interface or source address of the holder, too.
_HEARD = {NAMES["interface"], NAMES["source"]}
V3 = 3


def unheard_by_forgotten(
    cluster: Cluster, desired: Mapping[str, DesiredNode], settings: Collection[str]
) -> Iterator[str]:
    """A sentence about the forgotten nodes that discard the holder's adverts after the change.

    A forgotten node was not stopped and keeps its old settings.

    Args:
        cluster: the inventory.
        desired: by node label.
        settings: the cluster-wide settings that change, in words.
    """
    heard = _HEARD
    if cluster.vrrp.version == V3:
        # A backup takes the interval over from the adverts (RFC 5798, 6.4.2).
        heard = heard | {NAMES["advert_interval"]}
    changed = [name for name in settings if name not in heard]
    addresses = sorted({address for wanted in desired.values() for address in wanted.forgotten})
    if not changed or not addresses:
        return
    one = len(addresses) == 1
    yield (
        f"{', '.join(addresses)} {'was' if one else 'were'} forgotten and not stopped, and "
        f"{'keeps' if one else 'keep'} the old {', '.join(changed)}: back on the network, "
        f"{'it does' if one else 'they do'} not hear the holder any more, and may have a VIP "
        f"beside it. Before {'it is' if one else 'they are'} connected, run there: "
        f"`{removal_command(cluster)}`"
    )
