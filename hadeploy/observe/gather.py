"""Observe nodes: run one read-only script on each, and parse its output."""

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

# How much to observe in addition, which may take a second or two: nothing; more on nodes where
# nothing is applied ("fresh"); more on all nodes, for a change ("changed"), for a change that
# also listens for the virtual_router_id ("listening"), or for `hadeploy check` ("yes").
Depth = Literal["", "fresh", "changed", "listening", "yes"]

# The time for three ARP probes or neighbour solicitations and their answers
# (tasks/observe/segment.sh).
PROBE_SECONDS = 0.4
# Between two observations while waiting.
LOOK_INTERVAL_SECONDS = 0.3
# Adverts with a longer interval are received by chance only.
MOST_LISTEN_SECONDS = 2.5
# Three times as long as a node with a hanging engine takes, including a wait for the VIP.
LOOK_SECONDS = 180.0
# The time between two adverts is slightly longer than the interval.
ADVERT_MARGIN_SECONDS = 0.3


def listen_seconds(cluster: Cluster) -> float:
    """How long to listen until every master has sent an advert."""
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
        previous: whether to read the files of the previous configuration too.
        depth: how much to observe.
        versions: whether to read the versions of the running programs.
        settle: after a change: the maximum seconds to wait until the VIP answers.
        listen: the minimum seconds to collect answers and adverts on the segment; at least
            ASKED_SECONDS.
        token: of a lock to release before the observation.
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
    """Observe every connected node in parallel, with one exec each.

    The other arguments are those of `observation_script`.

    Args:
        sessions: by node label.

    Raises:
        NodesError: one or more nodes could not be observed.
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
    """Like `observe`, but return the observed nodes and the errors of the others."""
    script = observation_script(cluster, previous=previous, depth=depth, listen=listen)
    return observe_all(sessions, script)


def observe_all(
    sessions: Mapping[str, Session], script: str, meanwhile: Callable[[], object] = lambda: None
) -> tuple[dict[str, ObservedNode], list[HadeployError]]:
    """Observe all nodes in parallel, with one exec each.

    Args:
        sessions: by node label.
        script: from `observation_script`.
        meanwhile: called by this thread while the nodes work.

    Returns:
        The observed nodes by label, and the errors of the others.
    """
    found, errors = try_each(
        lambda session: observe_node(session, script), sessions.values(), meanwhile
    )
    return {node.node: node for node in found}, errors


def observe_node(
    session: Session, script: str, on_message: Callable[[Message], None] = lambda _: None
) -> ObservedNode:
    """Observe one node, with one exec.

    Args:
        session: to the node.
        script: from `observation_script`.
        on_message: called with each message of the script.

    Raises:
        HadeployError: the node could not be observed.
    """
    started = time.time()
    reply = session.run(script, operation="observing", on_message=on_message, seconds=LOOK_SECONDS)
    state = read_observation(session.node, reply)
    return dataclasses.replace(state, skew=skew(state.now, started, time.time()))


def read_observation(node: str, reply: Reply) -> ObservedNode:
    """Parse the output of observe.sh.

    Args:
        reply: of observe.sh.

    Raises:
        HadeployError: the output cannot be parsed.
    """
    # A late import, which overlaps with the work of the nodes.
    from hadeploy.observe.parse import parse_observation  # noqa: PLC0415

    hint = "check the output of `docker inspect`, `ip -j address` and `ss -ltnp` on the node"
    with parsing(node, "observing", hint):
        return parse_observation(node, reply)


def skew(now: int, started: float, ended: float) -> float:
    """The minimum seconds that a node's clock is ahead of this machine's, or behind it (negative).

    Args:
        now: the node's time in whole seconds since the epoch, between start and end.
        started: this machine's time at the start of the script.
        ended: this machine's time at its end.
    """
    if now + 1 < started:
        return now + 1 - started
    return max(0.0, now - ended)
