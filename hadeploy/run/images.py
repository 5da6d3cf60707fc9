"""Images that a node lacks: pulled there, or streamed from an archive beside the inventory."""

from __future__ import annotations

from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.paths import beside
from hadeploy.plan.model import NodePlan
from hadeploy.run.prepare import Inputs
from hadeploy.run.progress import Progress
from hadeploy.shell.compose import compose
from hadeploy.transport.session import Session


def load_images(inputs: Inputs, plan: NodePlan, session: Session, progress: Progress) -> bool:
    """Bring the images of a node's plan onto the node.

    Returns:
        Whether there was something to do.

    Raises:
        HadeployError: an archive cannot be read, does not hold the image, or the pull failed.
    """
    done = False
    for step in plan.steps:
        if step.action != "load-image" or step.role is None:
            continue
        image = getattr(inputs.cluster.images, step.role)
        if image.archive:
            _load(beside(inputs.folder, image.archive), step.subject, session, progress)
        else:
            _pull(step.subject, session, progress)
        progress.node(session.node, f"{step.subject} is there", "ok")
        done = True
    return done


def _load(archive: Path, reference: str, session: Session, progress: Progress) -> None:
    doing = f"loading {archive.name}"
    sent = 0

    def on_sent(count: int) -> None:
        nonlocal sent
        sent += count
        progress.transfer(session.node, reference, sent, total)

    try:
        total = archive.stat().st_size
        with archive.open("rb") as source:
            said = session.feed("docker load", source, doing=doing, on_sent=on_sent)
    except OSError as error:
        raise HadeployError(
            f"{archive}: {error.strerror}",
            doing="reading the image archive",
            hint="make it with: docker save IMAGE -o FILE",
            code=ExitCode.USAGE,
        ) from error
    reply = session.run(_script(reference, "inspect_image"), doing=doing)
    if "sha256:" not in reply.body("image"):
        raise HadeployError(
            f"the archive does not hold {reference}",
            node=session.node,
            doing=doing,
            detail=said[-500:],
            hint="set images.*.reference to what the archive holds",
        )


def _pull(reference: str, session: Session, progress: Progress) -> None:
    doing = f"pulling {reference}"
    progress.node(session.node, doing)
    reply = session.run(_script(reference, "pull"), doing=doing)
    if reply.all("failed"):
        raise HadeployError(
            "docker pull failed",
            node=session.node,
            doing=doing,
            detail=reply.said[-1500:],
            hint="is the registry reachable from the node? else give images.*.archive, a tar here",
        )


def _script(reference: str, main: str) -> str:
    return compose("images.sh", variables={"HD_IMAGE": reference}, main=f"{main}\nemit end")
