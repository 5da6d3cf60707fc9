"""Checks of the images: on the node or available, for its architecture. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.archive import Archive
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.roles import ROLES
from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.parts import Image
from hadeploy.observe.observed_node import ObservedNode

# The output of `uname -m` → the architecture of images (as named by Go).
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
}
MAKE = "create it: hadeploy images save"


IMAGE = Check(
    "image",
    "images",
    "both images are on the node or available: in a readable archive on this machine, for the "
    "architecture of the node, or from a registry. `check` and `plan` pull nothing: the node's "
    "engine asks the registry, with the login of the inventory, whether it has the image and for "
    "which architectures. Without curl on the node, the registry is not asked; a registry that "
    "requires another login is a warning",
    "`hadeploy images push`, or set `images.*.archive` to an archive of `hadeploy images save`",
)


@IMAGE.of_node
def images(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether both images are on a node or available."""
    if state.docker is None:
        return
    for role in ROLES:
        image: Image = getattr(context.cluster.images, role)
        if image.reference in state.images:
            yield _there(image.reference, node, state)
        elif image.archive:
            archive = context.archives.get(role)
            if archive is not None and not archive.missing and not archive.problem:
                yield _in_archive(role, image.reference, archive, node, state)
        elif image.pull == "never":
            what = f"{image.reference} is not on the node, and images.{role}.pull is never"
            fix = f"hadeploy images push, or set images.{role}.archive"
            yield Finding(IMAGE.id, node.label, "fail", what, fix)
        elif asked := context.asked.get(node.label, {}).get(image.reference):
            verdict, what, remedy = asked.judged(image.reference, of_node(state))
            yield Finding(IMAGE.id, node.label, verdict, what, remedy)
        else:
            yield Finding(IMAGE.id, node.label, "pass", f"{image.reference} will be pulled")


def pulled(cluster: Cluster, state: ObservedNode) -> Iterator[str]:
    """The references that a node lacks and would pull."""
    for image in (cluster.images.haproxy, cluster.images.keepalived):
        there = image.reference in state.images
        if state.docker is not None and not there and not image.archive and image.pull != "never":
            yield image.reference


def _there(reference: str, node: Node, state: ObservedNode) -> Finding:
    has = state.architectures.get(reference, "")
    if has and has != of_node(state):
        what = f"{reference} on the node is for {has}, but the node is {of_node(state)}"
        fix = f"load or pull the other one: docker pull --platform linux/{of_node(state)}"
        return Finding(IMAGE.id, node.label, "fail", what, fix)
    return Finding(IMAGE.id, node.label, "pass", f"{reference} is on the node")


def _in_archive(
    role: str, reference: str, archive: Archive, node: Node, state: ObservedNode
) -> Finding:
    has = archive.architecture(reference)
    if has is None and "@" in reference:
        what = f"{archive.path.name} has no digests, so it is unknown whether it has {reference}"
        return Finding(IMAGE.id, node.label, "warn", what, "use a tag in the reference")
    if has is None:
        contents = ", ".join(sorted(archive.images)) or "no named image"
        what = f"the archive {archive.path.name} does not contain {reference}, but {contents}"
        fix = f"set images.{role}.reference to an image in the archive"
        return Finding(IMAGE.id, node.label, "fail", what, fix, code=ExitCode.USAGE)
    if has and has != of_node(state):
        what = f"{reference} in {archive.path.name} is for {has}, but the node is {of_node(state)}"
        fix = f"hadeploy images save --platform linux/{of_node(state)}"
        return Finding(IMAGE.id, node.label, "fail", what, fix)
    return Finding(IMAGE.id, node.label, "pass", f"{reference} is in {archive.path.name}")


def of_node(state: ObservedNode) -> str:
    """The architecture of a node, as images name it."""
    return ARCHITECTURES.get(state.machine, state.machine)


@IMAGE.of_cluster
def archives(context: CheckContext) -> Iterator[Finding]:
    """Whether the required archives can be read on this machine."""
    for role, archive in context.archives.items():
        problem = "no such file" if archive.missing else archive.problem
        if problem:
            yield Finding(
                IMAGE.id,
                None,
                "fail",
                f"{archive.path}: {problem}",
                MAKE,
                operation=f"reading images.{role}.archive",
                code=ExitCode.USAGE,
            )
