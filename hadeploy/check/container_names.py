"""Foreign containers with the names of this cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.conflicts import stopped_conflicts
from hadeploy.adopt.recognise import recognise
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of

CONTAINER_NAMES = Check(
    "container-names",
    "container names",
    "no other container has the name of a container of this cluster",
    "rename it, or choose other names under `containers:`",
)


@CONTAINER_NAMES.of_node
def container_names(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether foreign containers have names of this cluster."""
    by_hand = recognise(context.cluster, state)
    interface = interface_of(node, state) or ""
    stopped = stopped_conflicts(context.cluster, interface, state) if context.adopt else []
    # `up --adopt` renames the containers that it disables.
    renamed = {conflict.container.id for conflict in stopped if conflict.blocks}
    foreign = False
    for name in context.cluster.container_names:
        container = state.container(name)
        if container is None or (by_hand is not None and by_hand.has(container.id)):
            continue
        if container.id in renamed:
            continue
        if container.cluster != context.cluster.name:
            foreign = True
            what = f"a foreign container has the name {name} (image {container.image})"
            fix = "rename it, or choose other names under `containers:`"
            yield Finding(CONTAINER_NAMES.id, node.label, "fail", what, fix)
    if not foreign and state.docker is not None:
        yield Finding(CONTAINER_NAMES.id, node.label, "pass", "free, or in use by this cluster")
