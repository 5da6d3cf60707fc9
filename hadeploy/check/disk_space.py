"""Free space for images and files. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.roles import ROLES
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

MEGABYTE = 1_000_000
# For an image of unknown size: haproxy's has 100 MB, keepalived's 60 MB.
USUAL_IMAGE_BYTES = 150 * MEGABYTE
# For logs and layers of containers, and a later image upgrade.
ROOM_BYTES = 1000 * MEGABYTE
OWN_FILES_BYTES = 4 * MEGABYTE
# For the lock, in /run/hadeploy.
RUN_BYTES = 100_000
RUN_FILES = 10
# Inodes of files and directories, with a reserve.
OWN_FILES = 100
# An image with Debian and one program, with a reserve.
IMAGE_FILES = 10_000


DISK_SPACE = Check(
    "disk-space",
    "disk space",
    "the engine's data directory is writable and has room for the images (*thorough*), and the "
    "cluster's directory and /run have room for its files: bytes and inodes",
    "free some space, e.g. `docker image prune`",
    again_after=frozenset({"image"}),
)


@DISK_SPACE.of_node
def disk_space(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether there is room for images and files."""
    free, folder = (
        state.host.free,
        state.host.docker.get("DockerRootDir", "Docker's data directory"),
    )
    if "docker" in free and state.host.docker:
        needed = sum(_bytes(context, role, state) for role in ROLES)
        what = f"{free['docker'] // MEGABYTE} MB are free in {folder}"
        if free["docker"] < needed:
            what += f", but the images need {needed // MEGABYTE} MB"
            yield Finding(DISK_SPACE.id, node.label, "fail", what, "docker image prune")
        elif free["docker"] < needed + ROOM_BYTES:
            yield Finding(DISK_SPACE.id, node.label, "warn", f"only {what}", "docker image prune")
        else:
            yield Finding(DISK_SPACE.id, node.label, "pass", what)
    if state.root and "docker" in state.host.read_only:
        what = f"{folder} is on a read-only file system"
        yield Finding(DISK_SPACE.id, node.label, "fail", what, "mount it writable")
    for name, where, needed in (
        ("root", context.cluster.root, OWN_FILES_BYTES),
        ("run", "/run", RUN_BYTES),
    ):
        if free.get(name, needed) < needed:
            what = f"{free[name] // 1000} kB are free for {where}"
            yield Finding(DISK_SPACE.id, node.label, "fail", what, "free some space there")
    yield from _inodes(context, node, state)


def _inodes(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether there are inodes for new files."""
    free = state.host.free_inodes
    lacking = any(not _has_image(context, role, state) for role in ROLES)
    folder = state.host.docker.get("DockerRootDir", "Docker's data directory")
    for name, where, needed in (
        ("docker", folder, IMAGE_FILES if lacking else OWN_FILES),
        ("root", context.cluster.root, OWN_FILES),
        ("run", "/run", RUN_FILES),
    ):
        if free.get(name, needed) < needed:
            what = f"{free[name]} inodes are free for {where}"
            fix = f"remove files there: df -i {where}"
            yield Finding(DISK_SPACE.id, node.label, "fail", what, fix)


def _has_image(context: CheckContext, role: str, state: ObservedNode) -> bool:
    return getattr(context.cluster.images, role).reference in state.images


def _bytes(context: CheckContext, role: str, state: ObservedNode) -> int:
    if _has_image(context, role, state):
        return 0
    archive = context.archives.get(role)
    # The engine needs room for the received archive and the unpacked image.
    return 2 * archive.size if archive and archive.size else USUAL_IMAGE_BYTES
