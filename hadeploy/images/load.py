"""Images that a node lacks: pulled there, or streamed from an archive on this machine."""

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

# tasks/pull.sh ends a pull after an hour; the login comes before it.
PULL_SECONDS = 3600 + 120


@dataclass(frozen=True)
class Delivery:
    """An image that is where it was wanted.

    Attributes:
        reference: its name.
        architecture: as images say it.
        node: where it is; None for this machine.
        state: whether that was so already.
        archive: the file that it is in, or came from.
        bytes: how large that was on its way.
    """

    reference: str
    architecture: str
    node: str | None
    state: Literal["saved", "sent", "there"]
    archive: str | None = None
    bytes: int = 0


@dataclass(frozen=True)
class Needs:
    """The images that a node lacks.

    Attributes:
        pulls: references that it pulls itself.
        loads: archive here → the references that it is to bring.
    """

    pulls: tuple[str, ...] = ()
    loads: Mapping[Path, tuple[str, ...]] = field(default_factory=dict)

    def and_also(self, reference: str, archive: Path | None) -> Needs:
        """These and one more; from that archive, or else by a pull."""
        if archive is None:
            return replace(self, pulls=(*self.pulls, reference))
        from_it = (*self.loads.get(archive, ()), reference)
        return replace(self, loads={**self.loads, archive: from_it})


def needs_of(cluster: Cluster, folder: Path, turns: Iterable[NodePlan]) -> dict[str, Needs]:
    """What a plan brings to each node that lacks something.

    Args:
        cluster: what the plan is for.
        folder: the inventory's.
        turns: of the plan; a node may have two.
    """
    needs: dict[str, Needs] = {}
    for turn in turns:
        for step in turn.steps:
            if step.action != "load-image" or step.role is None:
                continue
            archive = getattr(cluster.images, step.role).archive
            path = beside(folder, archive) if archive else None
            needs[turn.node] = needs.get(turn.node, Needs()).and_also(step.subject, path)
    return needs


def bring(
    needs: Mapping[str, Needs],
    cluster: Cluster,
    login: Login | None,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> None:
    """Bring all nodes what they lack, in parallel; an archive is read and compressed once.

    Args:
        needs: by node.
        cluster: whose nodes they are.
        login: for the registry that they pull from.
        sessions: to them.
        progress: told.

    Raises:
        NodesError: with every failure.
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
    archive: Path, parcel: Path, references: tuple[str, ...], session: Session, progress: Progress
) -> int:
    """Stream an archive into a node's engine.

    Args:
        archive: for messages.
        parcel: what is sent for it.
        references: what must be there afterwards.
        session: to the node.
        progress: told how much of it has been sent.

    Returns:
        How many bytes were sent.

    Raises:
        HadeployError: the file cannot be read, the engine refuses it, or it holds other images.
    """
    operation = f"loading {archive.name}"
    sent = 0

    def on_sent(count: int) -> None:
        nonlocal sent
        sent += count
        progress.transfer(session.node, archive.name, sent, total)

    try:
        total = parcel.stat().st_size
        with parcel.open("rb") as source:
            said = session.feed("docker load", source, operation=operation, on_sent=on_sent)
    except OSError as error:
        raise unreadable(archive, error) from error
    reply = session.run(look_script(references), operation=operation)
    if lacking := [message.words[0] for message in reply.all("missing-image")]:
        raise HadeployError(
            f"the archive does not hold {' or '.join(lacking)}",
            node=session.node,
            operation=operation,
            detail=said[-500:],
            hint="set images.*.reference to what the archive holds, or make it anew with: "
            "hadeploy images save",
        )
    for reference in references:
        progress.node(session.node, f"{reference} is there", "ok")
    return sent


def pull(
    cluster: Cluster, reference: str, login: Login | None, session: Session, progress: Progress
) -> None:
    """Have a node pull an image; logged in, if need be, for no longer than that takes.

    Args:
        cluster: whose node it is.
        reference: of the image.
        login: used only if it is for the image's own registry.
        session: to the node.
        progress: told.

    Raises:
        HadeployError: the registry refused the login, or the pull failed.
    """
    registry = registry_of(reference)
    here = login if login and login.registry == registry else None
    operation = f"pulling {reference}"
    progress.node(session.node, operation)
    reply = session.run(
        pull_script(reference, cluster, here), operation=operation, seconds=PULL_SECONDS
    )
    if here and reply.all("refused"):
        raise HadeployError(
            f"docker login to {registry} as {here.user} failed",
            node=session.node,
            operation=operation,
            detail=reply.output[-1500:],
            hint="are images.registry.user and password right, and is the registry reachable from "
            "the node?",
        )
    if reply.all("failed"):
        raise HadeployError(
            "docker pull failed",
            node=session.node,
            operation=operation,
            detail=reply.output[-1500:],
            hint="is the registry reachable from the node? else bring it there from here: "
            "hadeploy images push",
        )
    progress.node(session.node, f"{reference} is there", "ok")


def look_script(references: tuple[str, ...]) -> str:
    """Tells which of the images are not there. Pure."""
    variables = {"HD_IMAGES": " ".join(references)}
    return compose("inspect_images.sh", variables=variables, main="inspect_images\nemit end")


def pull_script(reference: str, cluster: Cluster, login: Login | None) -> str:
    """Pulls an image, logged in for that long. Pure; holds the password, and goes to stdin only."""
    registry = login.registry if login else ""
    variables = {
        "HD_IMAGES": reference,
        "HD_CLUSTER": cluster.name,
        # Docker Hub's own address is only known to the client.
        "HD_REGISTRY": "" if registry == DOCKER_HUB else registry,
        "HD_USER": login.user if login else "",
        "HD_PASSWORD": login.password.get_secret_value() if login else "",
    }
    return compose("pull.sh", variables=variables, main="pull\nemit end")
