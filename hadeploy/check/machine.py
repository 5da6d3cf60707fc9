"""Checks of the machine that a node is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

NEEDED = ("ip", "ss", "bash", "timeout", "base64", "find", "stat", "install", "sync", "flock")
MEGABYTE = 1_000_000
# What one image takes where nothing tells: haproxy's has 100 MB, keepalived's 60 MB.
USUAL_IMAGE_BYTES = 150 * MEGABYTE
# Logs and layers of containers, and an image upgrade later.
ROOM_BYTES = 1000 * MEGABYTE
OWN_FILES_BYTES = 4 * MEGABYTE
# Folders count, too; what an image of Debian with one program has, and some.
OWN_FILES = 100
IMAGE_FILES = 10_000


SUDO = Check(
    "sudo",
    "runs as root",
    "scripts run as root there, by login or by sudo; `check` tells whether that asked for the "
    "password",
    "`--ask-sudo-password`; or allow the user `NOPASSWD: ALL`, or log in as root",
    essential=True,
)


@SUDO.of_node
def root(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether our scripts run as root."""
    if look.root:
        how = context.becoming.get(node.label)
        what = f"our scripts run as root{f', {how}' if how else ''}"
        yield Finding(SUDO.id, node.label, "pass", what)
    else:
        what, fix = "our scripts do not run as root there", "set ssh.sudo to auto or always"
        yield Finding(SUDO.id, node.label, "fail", what, fix)


TOOLS = Check(
    "tools",
    "tools",
    "the programs that our scripts use are there: iproute2, bash, coreutils, util-linux; a "
    "warning without perl, which asks the segment who has the VIP",
    "install them with the node's package manager",
    essential=True,
)


@TOOLS.of_node
def tools(_: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether what our scripts use is there."""
    lacking = [tool for tool in NEEDED if tool in look.missing]
    if lacking:
        fix = "install iproute2, bash, coreutils and util-linux there"
        yield Finding(TOOLS.id, node.label, "fail", f"lacks {', '.join(lacking)}", fix)
    elif look.host.thorough and "perl" in look.missing:
        what = "lacks perl, so it cannot ask the segment who else has the VIP"
        yield Finding(TOOLS.id, node.label, "warn", what, "install perl there")
    else:
        yield Finding(TOOLS.id, node.label, "pass", "our scripts run")


DOCKER = Check(
    "docker",
    "Docker engine",
    "the Docker engine is installed and answers; it is 20.10 or newer, and a warning where it "
    "does not start when the node boots (*thorough*)",
    "install or start it: https://docs.docker.com/engine/",
    essential=True,
)


@DOCKER.of_node
def docker(_: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether there is an engine that will do."""

    def failed(message: str, fix: str, detail: str | None = None) -> Finding:
        return Finding(DOCKER.id, node.label, "fail", message, fix, detail)

    if "docker" in look.missing:
        yield failed("Docker is not installed", "install it: https://docs.docker.com/engine/")
    elif look.docker is None:
        yield failed(
            "the Docker engine does not answer",
            "start it (systemctl start docker), or let this user use sudo",
            look.docker_error,
        )
    elif _too_old(look.docker):
        yield failed(f"Docker {look.docker} is too old", "20.10 is the oldest that will do")
    elif look.host.units.get("docker.boot") == "disabled":
        what = f"Docker {look.docker} does not start when the node boots, nor what runs in it"
        yield Finding(DOCKER.id, node.label, "warn", what, "systemctl enable docker")
    else:
        yield Finding(DOCKER.id, node.label, "pass", f"Docker {look.docker}".rstrip())


def _too_old(version: str) -> bool:
    """Whether an engine lacks what we ask of it (`docker run --pull`: 20.10)."""
    numbers = re.findall(r"\d+", version)[:2]
    return len(numbers) == 2 and (int(numbers[0]), int(numbers[1])) < (20, 10)


HOST_NETWORK = Check(
    "host-network",
    "host network",
    "the engine can give a container the host's network: it is neither rootless nor does it "
    "remap users, and it sees our folder (a snap does not)",
    "use an engine that runs as root, without `userns-remap`",
    thorough=True,
    again_after=frozenset({"container"}),
)


@HOST_NETWORK.of_node
def host_network(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether a container can have the host's network and our folder."""
    info = look.host.docker
    if not info.get("ServerVersion"):
        return
    options = look.host.security
    folder = str(info.get("DockerRootDir", ""))
    fix = "use an engine that runs as root, without userns-remap"
    if "name=rootless" in options:
        what = "the Docker engine is rootless: its host network is not the node's"
        yield Finding(HOST_NETWORK.id, node.label, "fail", what, fix)
    elif "name=userns" in options:
        what = "the Docker engine remaps users, and then gives no container the host's network"
        yield Finding(HOST_NETWORK.id, node.label, "fail", what, fix)
    elif folder.startswith("/var/snap/"):
        what = f"Docker is a snap, which does not see {context.cluster.root}"
        fix = "install Docker as a package instead: https://docs.docker.com/engine/"
        yield Finding(HOST_NETWORK.id, node.label, "fail", what, fix)
    else:
        what = "containers can have the host's network"
        yield Finding(HOST_NETWORK.id, node.label, "pass", what)


DISK_SPACE = Check(
    "disk-space",
    "disk space",
    "the engine's data folder is writable and has room for the images (*thorough*), and our "
    "folder has room for our files: bytes and inodes",
    "free some space, e.g. `docker image prune`",
    again_after=frozenset({"image"}),
)


@DISK_SPACE.of_node
def disk_space(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether there is room for images and files."""
    free, folder = look.host.free, look.host.docker.get("DockerRootDir", "Docker's folder")
    if "docker" in free and look.host.docker:
        needed = sum(_bytes(context, role, look) for role in ("haproxy", "keepalived"))
        what = f"{free['docker'] // MEGABYTE} MB are free in {folder}"
        if free["docker"] < needed:
            what += f", and the images need {needed // MEGABYTE} MB"
            yield Finding(DISK_SPACE.id, node.label, "fail", what, "docker image prune")
        elif free["docker"] < needed + ROOM_BYTES:
            yield Finding(DISK_SPACE.id, node.label, "warn", f"only {what}", "docker image prune")
        else:
            yield Finding(DISK_SPACE.id, node.label, "pass", what)
    if look.root and "docker" in look.host.read_only:
        what = f"{folder} is on a read-only file system"
        yield Finding(DISK_SPACE.id, node.label, "fail", what, "mount it writable")
    if free.get("root", OWN_FILES_BYTES) < OWN_FILES_BYTES:
        what = f"{free['root'] // 1000} kB are free for {context.cluster.root}"
        yield Finding(DISK_SPACE.id, node.label, "fail", what, "free some space there")
    yield from _inodes(context, node, look)


def _inodes(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """A file system without free inodes takes no new file, however many bytes are free."""
    free = look.host.free_inodes
    lacking = any(not _has_image(context, role, look) for role in ("haproxy", "keepalived"))
    folder = look.host.docker.get("DockerRootDir", "Docker's folder")
    for name, where, needed in (
        ("docker", folder, IMAGE_FILES if lacking else OWN_FILES),
        ("root", context.cluster.root, OWN_FILES),
    ):
        if free.get(name, needed) < needed:
            what = f"{free[name]} inodes are free for {where}"
            fix = f"remove files there: df -i {where}"
            yield Finding(DISK_SPACE.id, node.label, "fail", what, fix)


def _has_image(context: CheckContext, role: str, look: ObservedNode) -> bool:
    return getattr(context.cluster.images, role).reference in look.images


def _bytes(context: CheckContext, role: str, look: ObservedNode) -> int:
    if _has_image(context, role, look):
        return 0
    archive = context.archives.get(role)
    # Unpacked beside what the engine has received of it.
    return 2 * archive.size if archive and archive.size else USUAL_IMAGE_BYTES
