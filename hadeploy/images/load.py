"""Loads missing images on nodes: by a pull, or from an archive on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hadeploy.errors import HadeployError
from hadeploy.images.compressed_archives import compressed_archives, unreadable
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.paths import beside
from hadeploy.inventory.references import DOCKER_HUB, registry_of
from hadeploy.plan.inputs import Login
from hadeploy.plan.steps import NodePlan
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose

# tasks/pull.sh limits a pull to one hour; the login comes before.
PULL_SECONDS = 3600 + 120


@dataclass(frozen=True)
class Delivery:
    """An image on a node or in an archive.

    Attributes:
        reference: its name.
        architecture: in the notation of images, such as amd64.
        node: the node that has it; None: this machine.
        state: saved or sent by this run; there: it existed before.
        archive: the file with the image.
        bytes: the size of the transferred or saved file.
    """

    reference: str
    architecture: str
    node: str | None
    state: Literal["saved", "sent", "there"]
    archive: str | None = None
    bytes: int = 0


@dataclass(frozen=True)
class Needs:
    """The missing images of a node.

    Attributes:
        pulls: references that the node pulls.
        loads: archive on this machine → the references in it.
    """

    pulls: tuple[str, ...] = ()
    loads: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)

    def with_image(self, reference: str, archive: Path | None) -> Needs:
        """Add an image, from the archive or by a pull."""
        if archive is None:
            return replace(self, pulls=(*self.pulls, reference))
        references = (*self.loads.get(archive, ()), reference)
        return replace(self, loads={**self.loads, archive: references})


def image_needs(cluster: Cluster, folder: Path, turns: Iterable[NodePlan]) -> dict[str, Needs]:
    """The missing images by node, from the steps of a plan.

    Args:
        cluster: the inventory.
        folder: the folder of the inventory.
        turns: of the plan; a node may have two.
    """
    needs: dict[str, Needs] = {}
    for turn in turns:
        for step in turn.steps:
            if step.action != "load-image" or step.role is None:
                continue
            archive = getattr(cluster.images, step.role).archive
            path = beside(folder, archive) if archive else None
            needs[turn.node] = needs.get(turn.node, Needs()).with_image(step.subject, path)
    return needs


def load_images(
    needs: Mapping[str, Needs],
    cluster: Cluster,
    login: Login | None,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Load the missing images on all nodes in parallel; each archive is compressed once.

    Args:
        needs: by node label.
        cluster: the inventory.
        login: for the registry, or None.
        sessions: by node label.
        progress: receives events.

    Raises:
        NodesError: all failures.
    """
    archives = [archive for need in needs.values() for archive in need.loads]
    with compressed_archives(archives, progress) as sent_as:

        def to_node(node: str) -> None:
            for archive, references in needs[node].loads.items():
                load(archive, sent_as[archive], references, sessions[node], progress)
            for reference in needs[node].pulls:
                pull(cluster, reference, login, sessions[node], progress)

        each(to_node, needs)


def load(
    archive: Path,
    compressed: Path,
    references: tuple[str, ...],
    session: Session,
    progress: Progress,
) -> int:
    """Stream an archive to the engine of a node.

    Args:
        archive: the archive, for messages.
        compressed: the compressed copy that is sent.
        references: the images that the node must have afterwards.
        session: to the node.
        progress: receives events.

    Returns:
        The number of bytes sent.

    Raises:
        HadeployError: the file cannot be read, the engine refuses it, or an image is missing in it.
    """
    operation = f"loading {archive.name}"
    sent = 0

    def on_sent(count: int) -> None:
        nonlocal sent
        sent += count
        progress.transfer(session.node, archive.name, sent, total)

    try:
        total = compressed.stat().st_size
        with compressed.open("rb") as source:
            output = session.feed("docker load", source, operation=operation, on_sent=on_sent)
    except OSError as error:
        raise unreadable(archive, error) from error
    reply = session.run(missing_images_script(references), operation=operation)
    if missing := [message.words[0] for message in reply.all("missing-image")]:
        raise HadeployError(
            f"the archive does not contain {' or '.join(missing)}",
            node=session.node,
            operation=operation,
            detail=output[-500:],
            hint="set images.*.reference to an image in the archive, or create the archive again: "
            "hadeploy images save",
        )
    for reference in references:
        progress.node(session.node, f"{reference} loaded", "ok")
    return sent


def pull(
    cluster: Cluster, reference: str, login: Login | None, session: Session, progress: Progress
) -> None:
    """Pull an image on a node; a login lasts only for the pull.

    Args:
        cluster: the inventory.
        reference: of the image.
        login: used only for its own registry.
        session: to the node.
        progress: receives events.

    Raises:
        HadeployError: the registry refused the login, or the pull failed.
    """
    registry = registry_of(reference)
    own_login = login if login and login.registry == registry else None
    operation = f"pulling {reference}"
    progress.node(session.node, operation)
    reply = session.run(
        pull_script(reference, cluster, own_login), operation=operation, seconds=PULL_SECONDS
    )
    if own_login and reply.all("refused"):
        raise HadeployError(
            f"docker login to {registry} as {own_login.user} failed",
            node=session.node,
            operation=operation,
            detail=reply.output[-1500:],
            hint="check images.registry.user and password, and that the node reaches the registry",
        )
    if reply.all("failed"):
        raise HadeployError(
            "docker pull failed",
            node=session.node,
            operation=operation,
            detail=reply.output[-1500:],
            hint="check that the node reaches the registry; otherwise: hadeploy images push",
        )
    progress.node(session.node, f"{reference} pulled", "ok")


def missing_images_script(references: tuple[str, ...]) -> str:
    """The script that lists missing images. Pure."""
    variables = {"HD_IMAGES": " ".join(references)}
    return compose("inspect_images.sh", variables=variables, main="inspect_images\nemit end")


def pull_script(reference: str, cluster: Cluster, login: Login | None) -> str:
    """The script that pulls an image; it contains the password: send it on stdin only. Pure."""
    registry = login.registry if login else ""
    variables = {
        "HD_IMAGES": reference,
        "HD_CLUSTER": cluster.name,
        # The docker client has the address of Docker Hub.
        "HD_REGISTRY": "" if registry == DOCKER_HUB else registry,
        "HD_USER": login.user if login else "",
        "HD_PASSWORD": login.password.get_secret_value() if login else "",
    }
    return compose("pull.sh", variables=variables, main="pull\nemit end")
