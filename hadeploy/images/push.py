"""`images push`: loads missing images on the nodes; nothing else changes.

It takes no lock: an additional image changes no running container and no plan, and another run
would load the same image.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hadeploy.check.archive import read_archive
from hadeploy.check.docker import docker
from hadeploy.check.finding import CheckContext, Finding, failures
from hadeploy.check.images import archives, images, of_node
from hadeploy.desired.roles import ROLES, Role
from hadeploy.errors import HadeployError, NodesError
from hadeploy.images.compressed_archives import compressed_archives
from hadeploy.images.engines import Engine
from hadeploy.images.fetch import fetch, find_engine
from hadeploy.images.load import Delivery, Needs, load
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.parts import Image
from hadeploy.inventory.paths import beside
from hadeploy.inventory.references import file_name
from hadeploy.observe.gather import try_observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs
from hadeploy.progress import Progress
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session


def push(
    inputs: Inputs, sessions: Mapping[str, Session], progress: Progress, done: list[Delivery]
) -> list[HadeployError]:
    """Load the missing images on the connected nodes; a failure on one node does not stop others.

    Args:
        inputs: the inventory.
        sessions: by node label.
        progress: receives events.
        done: receives each image that is on a node, also if an error follows.

    Returns:
        The errors of nodes.

    Raises:
        HadeployError: an archive is wrong, or an image cannot be fetched; nothing was sent.
    """
    progress.phase("Observe")
    observed, errors = try_observe(inputs.cluster, sessions)
    context = CheckContext(inputs.cluster, observed)
    broken = failures([f for node, state in context.nodes for f in docker(context, node, state)])
    errors += [finding.error() for finding in broken]
    failed = {finding.node for finding in broken}
    able = {node: state for node, state in observed.items() if node not in failed}
    for node, state in able.items():
        for role in ROLES:
            reference = _reference(inputs.cluster, role)
            if reference in state.images:
                done.append(Delivery(reference, of_node(state), node, "there"))
                progress.node(node, f"{reference} was already loaded", "ok")
    with _needed(inputs, able, progress) as (needs, problems):
        errors += problems
        progress.phase("Send")
        every_archive = [archive for need in needs.values() for archive in need.loads]
        with compressed_archives(every_archive, progress) as sent_as:

            def to_node(node: str) -> None:
                for archive, references in needs[node].loads.items():
                    sent = load(archive, sent_as[archive], references, sessions[node], progress)
                    for reference in references:
                        architecture = of_node(able[node])
                        done.append(
                            Delivery(reference, architecture, node, "sent", archive.name, sent)
                        )

            errors += try_each(to_node, needs)[1]
    return errors


@contextmanager
def _needed(
    inputs: Inputs, able: Mapping[str, ObservedNode], progress: Progress
) -> Iterator[tuple[dict[str, Needs], list[HadeployError]]]:
    """The missing images by node, and errors; fetches images without an archive in the inventory.

    Raises:
        NodesError: an archive is wrong.
    """
    needs: dict[str, Needs] = {}
    problems: list[Finding] = []
    engine: Engine | None = None
    with tempfile.TemporaryDirectory(prefix="hadeploy-") as folder:
        for architecture in dict.fromkeys(of_node(state) for state in able.values()):
            states = {n: state for n, state in able.items() if of_node(state) == architecture}
            found: dict[Role, Path] = {}
            for role in missing_roles(inputs.cluster, states):
                image = getattr(inputs.cluster.images, role)
                if image.archive:
                    found[role] = beside(inputs.folder, image.archive)
                    continue
                progress.phase(f"Fetch {image.reference}")
                engine = engine or find_engine()
                found[role] = Path(folder) / file_name(image.reference, architecture)
                fetch(engine, image.reference, architecture, found[role], progress)
            context = _check_context(inputs.cluster, states, found)
            if wrong := failures(list(archives(context))):
                raise NodesError([finding.error() for finding in wrong])
            failed = failures(
                [f for node, state in context.nodes for f in images(context, node, state)]
            )
            problems += failed
            for node in states.keys() - {f.node for f in failed}:
                for role, path in found.items():
                    reference = _reference(inputs.cluster, role)
                    if reference not in states[node].images:
                        needs[node] = needs.get(node, Needs()).with_image(reference, path)
        yield needs, [finding.error() for finding in problems]


def missing_roles(cluster: Cluster, states: Mapping[str, ObservedNode]) -> list[Role]:
    """The roles whose image is missing on any node. Pure."""
    return [
        role
        for role in ROLES
        if any(_reference(cluster, role) not in state.images for state in states.values())
    ]


def _check_context(
    cluster: Cluster, states: Mapping[str, ObservedNode], found: Mapping[Role, Path]
) -> CheckContext:
    """The context for the checks, as if the inventory had these archives."""
    update: dict[str, Image] = {
        role: getattr(cluster.images, role).model_copy(update={"archive": str(path)})
        for role, path in found.items()
    }
    with_archives = cluster.model_copy(update={"images": cluster.images.model_copy(update=update)})
    return CheckContext(
        with_archives, states, archives={role: read_archive(path) for role, path in found.items()}
    )


def _reference(cluster: Cluster, role: Role) -> str:
    return str(getattr(cluster.images, role).reference)
