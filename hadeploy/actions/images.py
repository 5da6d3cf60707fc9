"""`images save` and `images push`: for nodes that no registry reaches."""

from __future__ import annotations

from pathlib import Path

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.result import Result
from hadeploy.actions.run import connected_run
from hadeploy.check.images import of_node
from hadeploy.desired.roles import ROLES
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.images.fetch import fetch, find_engine
from hadeploy.images.load import Delivery
from hadeploy.images.push import push
from hadeploy.inventory.references import file_name
from hadeploy.observe.gather import observe

PLATFORM_HINT = "or set the architecture of the nodes: --platform linux/amd64"


def save_images(
    deployment: Deployment, folder: Path | None, architecture: str | None, result: Result
) -> list[Delivery]:
    """Save both images to archives on this machine."""
    cluster = deployment.cluster
    result.cluster = cluster.name
    engine = find_engine()
    architecture = architecture or _architecture(deployment, result)
    target = folder.absolute() if folder else deployment.folder / "images"
    with deployment.ui.progress(cluster) as progress:
        for role in ROLES:
            reference = getattr(cluster.images, role).reference
            progress.phase(f"Fetch {reference}")
            path = target / file_name(reference, architecture)
            size = fetch(engine, reference, architecture, path, progress)
            result.images.append(Delivery(reference, architecture, None, "saved", str(path), size))
    return result.images


def push_images(deployment: Deployment, result: Result) -> list[Delivery]:
    """Load the images into all nodes that can be reached and lack them."""
    with connected_run(deployment, result, tolerant=True) as run:
        errors = push(run.inputs, run.sessions, run.progress, result.images)
        errors += run.unreachable.values()
        if errors:
            run.progress.failed()
    if errors:
        raise NodesError(errors)
    return result.images


def _architecture(deployment: Deployment, result: Result) -> str:
    """The architecture of all nodes.

    Raises:
        HadeployError: no node is reachable, or the architectures differ.
    """
    try:
        with connected_run(deployment, result, tolerant=True) as run:
            observed = observe(run.inputs.cluster, run.sessions)
    except NodesError as error:
        for each in error.errors:
            each.hint = f"{each.hint}; {PLATFORM_HINT}" if each.hint else PLATFORM_HINT
        raise
    found = {of_node(state): node for node, state in observed.items()}
    if len(found) > 1:
        nodes = ", ".join(f"{node} is {architecture}" for architecture, node in found.items())
        raise HadeployError(
            f"the nodes have different architectures: {nodes}",
            operation="finding the architecture of the nodes",
            hint="save one with --platform, or run `hadeploy images push`, "
            "which sends each node the images of its architecture",
            code=ExitCode.USAGE,
        )
    return next(iter(found))
