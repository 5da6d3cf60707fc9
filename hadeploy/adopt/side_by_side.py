"""Foreign containers that `up --adopt` stops and disables without a takeover. Pure.

If a cluster set up by hand does not run, or runs next to this one on the same nodes, there is
nothing to take over: its containers are stopped, and their restart policy becomes `no`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from hadeploy.adopt.classic import Classic
from hadeploy.adopt.conflicts import Conflict, running_conflicts, stopped_conflicts
from hadeploy.adopt.recognise import ByHand, recognise
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.fields import CONTAINER_NAME
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of
from hadeploy.plan.order import holders
from hadeploy.plan.steps import Plan, Step
from hadeploy.plan.vrrp_settings import running_settings


def nodes_with_both(
    cluster: Cluster, observed: Mapping[str, ObservedNode], found: Mapping[str, ByHand]
) -> set[str]:
    """The nodes that run both a cluster set up by hand and the keepalived of this cluster."""
    return {node for node in found if observed[node].ours_of(cluster.name, "keepalived")}


def vrrp_settings_differ(
    observed: Mapping[str, ObservedNode], classics: Mapping[str, Classic]
) -> bool:
    """Whether this cluster already runs, with other VRRP settings than the one set up by hand.

    Then both hold the VIP, and the old one can stop without an intermediate configuration.
    """
    ours = {i for state in observed.values() if (i := running_settings(state))}
    if not ours or not classics:
        return False
    theirs = next(iter(classics.values()))
    password = theirs.password.get_secret_value() if theirs.password else None
    return not any(
        (i.virtual_router_id, i.version, i.advert_interval, i.password, i.mode)
        == (
            theirs.virtual_router_id,
            theirs.version,
            theirs.advert_interval,
            password,
            "unicast" if theirs.peers else "multicast",
        )
        for i in ours
    )


def to_disable(
    cluster: Cluster, observed: Mapping[str, ObservedNode], beside: set[str]
) -> dict[str, list[Conflict]]:
    """The containers to stop and disable, by node label; keepalived before haproxy.

    Args:
        observed: by node label.
        beside: labels of the nodes on which running containers are also stopped.

    Raises:
        NodesError: the engine would remove one of them.
    """
    found = {}
    for node in cluster.nodes:
        state = observed.get(node.label)
        if state is None:
            continue
        interface = interface_of(node, state) or ""
        conflicts = [
            conflict
            for conflict in stopped_conflicts(cluster, interface, state)
            if conflict.blocks and not conflict.manager
        ]
        by_hand = recognise(cluster, state)
        conflicts += [
            c
            for c in running_conflicts(cluster, interface, state, by_hand)
            if c.can_disable and not c.manager
        ]
        if by_hand and node.label in beside:
            conflicts += [
                Conflict(part.container, part.role, (), known=True, why="it runs")
                for part in by_hand.parts
            ]
        conflicts = list({c.container.id: c for c in conflicts}.values())
        if conflicts:
            found[node.label] = sorted(conflicts, key=lambda c: c.role != "keepalived")
    _refuse_removal(found)
    return found


def _refuse_removal(found: Mapping[str, list[Conflict]]) -> None:
    errors = [
        HadeployError(
            f"the engine removes {conflict.container.name} when it stops (docker run --rm)",
            node=node,
            operation="reading the cluster set up by hand",
            hint="hadeploy never removes a foreign container: stop it on the node",
            code=ExitCode.UNREACHABLE,
        )
        for node, conflicts in found.items()
        for conflict in conflicts
        if conflict.container.raw.get("HostConfig", {}).get("AutoRemove")
    ]
    if errors:
        raise NodesError(errors)


def with_disabling(
    cluster: Cluster,
    plan: Plan,
    found: Mapping[str, list[Conflict]],
    observed: Mapping[str, ObservedNode],
) -> Plan:
    """A plan that first stops and disables these containers on each node.

    Args:
        plan: the other steps.
        found: from `to_disable`.
        observed: by node label.
    """
    turns = []
    begun: set[str] = set()
    recorded = {
        turn.node for turn in plan.nodes for step in turn.steps if step.action == "write-record"
    }
    for turn in plan.nodes:
        if turn.node in found and turn.node not in begun:
            begun.add(turn.node)
            steps = [_disable_step(conflict) for conflict in found[turn.node]]
            after = [Step("write-record", "applied.json", "record what was applied")]
            steps = [*steps, *turn.steps, *([] if turn.node in recorded else after)]
            turn = dataclasses.replace(turn, steps=tuple(steps))  # noqa: PLW2901
        turns.append(turn)
    holding = holders([str(vip.ip) for vip in cluster.vip], observed.values())
    running = {n for n in begun if any(c.container.running for c in found[n])}
    cut = (
        f"The containers set up by hand on {', '.join(sorted(running))} stop: connections to them "
        "are cut.",
    )
    warnings = (*plan.warnings, *(cut if running & set(holding) else ()))
    return dataclasses.replace(plan, nodes=tuple(turns), warnings=warnings)


def _disable_step(conflict: Conflict) -> Step:
    there = conflict.container
    name = there.name if re.match(CONTAINER_NAME, there.name) else there.id
    claims = f"claims {' and '.join(conflict.claims)}; " if conflict.claims else ""
    return Step(
        "disable-container", name, f"{claims}{conflict.why}; it is kept, with restart policy no"
    )
