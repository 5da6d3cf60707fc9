"""Looking at nodes: one script out, one document back."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from hadeploy.desired import layout
from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.parsing import parsing
from hadeploy.observe.segment import ASKED_SECONDS
from hadeploy.remote.fanout import try_each
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Message, Reply

if TYPE_CHECKING:
    from hadeploy.observe.observed_node import ObservedNode
    from hadeploy.remote.session import Session

# How much of what only `hadeploy check` needs is asked: nothing, or what may take a second or two
# where nothing was applied yet, or on every node: for a change, for one whose
# virtual_router_id is to be listened for, or for `check`.
Depth = Literal["", "fresh", "changed", "listening", "yes"]

# In which three ARP probes or solicitations are sent, and answered (tasks/observe/segment.sh).
PROBE_SECONDS = 0.4
# Between two looks while something is waited for.
LOOK_INTERVAL_SECONDS = 0.3
# Nobody wants to wait longer for an advert; rarer ones are only heard by chance.
MOST_LISTEN_SECONDS = 2.5
# A node with a hanging engine, waiting for the VIP after a change, takes a third of that.
LOOK_SECONDS = 180.0
# From one advert to the next there is a little more than the interval.
ADVERT_MARGIN_SECONDS = 0.3


def listen_seconds(cluster: Cluster) -> float:
    """For how long a thorough look listens: until every master has sent an advert."""
    return min(cluster.vrrp.advert_interval + ADVERT_MARGIN_SECONDS, MOST_LISTEN_SECONDS)


def observation_script(
    cluster: Cluster,
    *,
    previous: bool = False,
    depth: Depth = "",
    versions: bool = False,
    settle: int = 0,
    listen: float = 0,
    token: str = "",
) -> str:
    """The read-only script, the same for every node of the cluster.

    Args:
        cluster: the inventory.
        previous: whether to read the files of the previous configuration, too.
        depth: how thorough to be.
        versions: whether to ask which versions of the programs run.
        settle: after a change: how many seconds to wait, at most, until the VIP answers.
        listen: for how many seconds, at least, answers and adverts on the segment are collected;
            no less than ASKED_SECONDS.
        token: of the lock that is given back before that.
    """
    return compose(
        "observe.sh",
        variables={
            "HD_ROOT": cluster.root,
            "HD_CLUSTER": cluster.name,
            "HD_CONTAINERS": " ".join(cluster.container_names),
            "HD_HAPROXY": cluster.container_names[0],
            "HD_IN_HAPROXY": layout.IN_HAPROXY,
            "HD_IN_KEEPALIVED": layout.IN_KEEPALIVED,
            "HD_IN_TRACK": layout.IN_TRACK,
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_IMAGES": f"{cluster.images.haproxy.reference} "
            f"{cluster.images.keepalived.reference}",
            "HD_PORTS": " ".join(str(listener.port) for listener in cluster.listeners),
            "HD_LISTENERS": " ".join(listener.name for listener in cluster.listeners),
            "HD_OWN_PORTS": " ".join(str(port) for port in cluster.haproxy_ports),
            "HD_HEALTH_PORT": str(cluster.haproxy.health_port),
            "HD_HELLO": hello_for_printf(),
            "HD_CHECK": depth,
            "HD_KEEPALIVED_IMAGE": cluster.images.keepalived.reference,
            "HD_ROUTER_ID": str(cluster.vrrp.virtual_router_id),
            "HD_NODES": " ".join(str(node.address) for node in cluster.nodes),
            "HD_LISTEN": f"{max(listen, ASKED_SECONDS):g}",
            "HD_LOCK": token,
            "HD_SETTLE": str(settle or ""),
            "HD_PREVIOUS": "yes" if previous else "",
            "HD_VERSIONS": "yes" if versions else "",
            "HD_VIPS": " ".join(
                str(vip.ip) for vip in (*cluster.advertised_vips, *cluster.excluded_vips)
            ),
        },
    )


def observe(
    cluster: Cluster,
    sessions: Mapping[str, Session],
    *,
    previous: bool = False,
    depth: Depth = "",
    listen: float = 0,
) -> dict[str, ObservedNode]:
    """Observe every connected node, in parallel; one exec each.

    Args:
        cluster: the inventory.
        sessions: by node label.
        previous: whether to read the files of the previous configuration, too.
        depth: how thorough to be.
        listen: as in `observation_script`.

    Raises:
        NodesError: with every node that could not be observed.
    """
    found, errors = try_observe(cluster, sessions, previous=previous, depth=depth, listen=listen)
    if errors:
        raise NodesError(errors)
    return found


def try_observe(
    cluster: Cluster,
    sessions: Mapping[str, Session],
    *,
    previous: bool = False,
    depth: Depth = "",
    listen: float = 0,
) -> tuple[dict[str, ObservedNode], list[HadeployError]]:
    """As `observe`, where a node that cannot be observed does not hide the others."""
    script = observation_script(cluster, previous=previous, depth=depth, listen=listen)
    return look_at_all(sessions, script)


def look_at_all(
    sessions: Mapping[str, Session], script: str, meanwhile: Callable[[], object] = lambda: None
) -> tuple[dict[str, ObservedNode], list[HadeployError]]:
    """Observe all nodes, in parallel; one exec each.

    Args:
        sessions: by node label.
        script: from `observation_script`.
        meanwhile: what this thread does while the nodes are busy.

    Returns:
        What was observed by label, and why the others could not be.
    """
    found, errors = try_each(lambda session: look_at(session, script), sessions.values(), meanwhile)
    return {node.node: node for node in found}, errors


def look_at(
    session: Session, script: str, on_message: Callable[[Message], None] = lambda _: None
) -> ObservedNode:
    """Observe one node, in one exec.

    Args:
        session: to the node.
        script: from `observation_script`.
        on_message: called with each message as it arrives.

    Raises:
        HadeployError: it could not be observed.
    """
    asked = time.time()
    reply = session.run(script, operation="observing", on_message=on_message, seconds=LOOK_SECONDS)
    seen = read_observation(session.node, reply)
    return dataclasses.replace(seen, skew=skew(seen.now, asked, time.time()))


def read_observation(node: str, reply: Reply) -> ObservedNode:
    """What a node said, or an error that names it; nothing is believed by halves.

    Args:
        node: its label.
        reply: what observe.sh said.

    Raises:
        HadeployError: it makes no sense.
    """
    # Not before the nodes are asked; while they answer there is time.
    from hadeploy.observe.parse import parse_observation  # noqa: PLC0415

    hint = "what do `docker inspect`, `ip -j address` and `ss -ltnp` print there?"
    with parsing(node, "observing", hint):
        return parse_observation(node, reply)


def skew(now: int, asked: float, answered: float) -> float:
    """How far a node's clock is surely ahead of ours, or behind it (negative).

    Args:
        now: its whole seconds since the epoch, at some moment in between.
        asked: our seconds when the script was sent.
        answered: our seconds when it had ended.
    """
    if now + 1 < asked:
        return now + 1 - asked
    return max(0.0, now - answered)
