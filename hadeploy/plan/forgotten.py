"""Nodes to forget, and the effect of a change of VRRP settings on them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from hadeploy.desired.containers import removal_command
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.vrrp_settings import NAMES

# A node accepts adverts after a change of these settings on the holder.
_COMPATIBLE = {NAMES["interface"], NAMES["source"]}
V3 = 3


def refuse_forget(
    cluster: Cluster, observed: Mapping[str, ObservedNode], forget: Collection[str]
) -> None:
    """Refuse to forget what is not a former node.

    Args:
        observed: by node label; their records name former and forgotten nodes.
        forget: addresses.

    Raises:
        HadeployError: an address is in the inventory, or in no record.
    """
    own = {str(node.address) for node in cluster.nodes} | {node.label for node in cluster.nodes}
    records = [state.applied for state in observed.values() if state.applied]
    former = {a for record in records for a in (*record.members, *record.forgotten)} - own
    for address in forget:
        if address in own:
            what, hint = f"{address} is in the inventory", "remove it from the inventory first"
        elif address not in former:
            what = f"{address} was not a node of this cluster"
            hint = f"former nodes: {', '.join(sorted(former)) or 'none'}"
        else:
            continue
        raise HadeployError(what, operation="reading --forget", hint=hint, code=ExitCode.USAGE)


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
