"""Checks of the images: there, or to be had, for the node's architecture. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.archive import Archive
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.parts import Image
from hadeploy.observe.observed_node import ObservedNode

# What `uname -m` says → what images say (the names of Go).
ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
}
MAKE = "make it with: hadeploy images save"


IMAGE = Check(
    "image",
    "images",
    "both images are on the node, or can be had: from an archive on this machine that is "
    "readable and holds the image for the node's architecture, else by a pull. `check` and "
    "`plan` ask for that, and pull nothing: the node's engine asks the registry, with the "
    "login of the inventory, whether it has the image, and for which architectures. Where "
    "curl is missing on the node it is not asked; a registry that wants another login than "
    "the inventory's is a warning",
    "`hadeploy images push`, or give `images.*.archive`, which `hadeploy images save` makes",
)


@IMAGE.of_node
def images(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether both images are on a node, or can be had."""
    if look.docker is None:
        return
    for role in ("haproxy", "keepalived"):
        image: Image = getattr(context.cluster.images, role)
        if image.reference in look.images:
            yield _there(image.reference, node, look)
        elif image.archive:
            archive = context.archives.get(role)
            if archive is not None and not archive.missing and not archive.problem:
                yield _in_archive(role, image.reference, archive, node, look)
        elif image.pull == "never":
            what = f"{image.reference} is not on the node, and images.{role}.pull is never"
            fix = f"hadeploy images push, or give images.{role}.archive"
            yield Finding(IMAGE.id, node.label, "fail", what, fix)
        elif asked := context.asked.get(node.label, {}).get(image.reference):
            verdict, what, remedy = asked.judged(image.reference, of_node(look))
            yield Finding(IMAGE.id, node.label, verdict, what, remedy)
        else:
            yield Finding(IMAGE.id, node.label, "pass", f"{image.reference} will be pulled")


def pulled(cluster: Cluster, look: ObservedNode) -> Iterator[str]:
    """The references that a node lacks and would pull."""
    for image in (cluster.images.haproxy, cluster.images.keepalived):
        there = image.reference in look.images
        if look.docker is not None and not there and not image.archive and image.pull != "never":
            yield image.reference


def _there(reference: str, node: Node, look: ObservedNode) -> Finding:
    has = look.architectures.get(reference, "")
    if has and has != of_node(look):
        what = f"{reference} on the node is for {has}, and the node is {of_node(look)}"
        fix = f"load or pull that of {of_node(look)}: docker pull --platform linux/{of_node(look)}"
        return Finding(IMAGE.id, node.label, "fail", what, fix)
    return Finding(IMAGE.id, node.label, "pass", f"{reference} is there")


def _in_archive(
    role: str, reference: str, archive: Archive, node: Node, look: ObservedNode
) -> Finding:
    has = archive.architecture(reference)
    if has is None and "@" in reference:
        what = f"whether {archive.path.name} holds {reference} is not told by its table of contents"
        return Finding(
            IMAGE.id, node.label, "warn", what, "name the image by a tag, as docker save does"
        )
    if has is None:
        holds = ", ".join(sorted(archive.images)) or "no named image"
        what = f"the archive does not hold {reference}; {archive.path.name} holds {holds}"
        fix = f"set images.{role}.reference to what the archive holds"
        return Finding(IMAGE.id, node.label, "fail", what, fix, code=ExitCode.USAGE)
    if has and has != of_node(look):
        what = f"{reference} in {archive.path.name} is for {has}, and the node is {of_node(look)}"
        fix = f"hadeploy images save --platform linux/{of_node(look)}"
        return Finding(IMAGE.id, node.label, "fail", what, fix)
    return Finding(IMAGE.id, node.label, "pass", f"{reference} is in {archive.path.name}")


def of_node(look: ObservedNode) -> str:
    """The node's architecture, as images say it."""
    return ARCHITECTURES.get(look.machine, look.machine)


@IMAGE.of_cluster
def archives(context: CheckContext) -> Iterator[Finding]:
    """Whether the archives that some node needs can be read on this machine."""
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
