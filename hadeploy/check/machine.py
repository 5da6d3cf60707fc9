"""Checks of root access, tools, the Docker engine and disk space. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.desired_node import ROLES
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

NEEDED = ("ip", "ss", "bash", "timeout", "base64", "find", "stat", "install", "sync", "flock")
MEGABYTE = 1_000_000
# For an image of unknown size: haproxy's has 100 MB, keepalived's 60 MB.
USUAL_IMAGE_BYTES = 150 * MEGABYTE
# For logs and layers of containers, and a later image upgrade.
ROOM_BYTES = 1000 * MEGABYTE
OWN_FILES_BYTES = 4 * MEGABYTE
# Inodes of files and directories, with a reserve.
OWN_FILES = 100
# An image with Debian and one program, with a reserve.
IMAGE_FILES = 10_000


SUDO = Check(
    "sudo",
    "runs as root",
    "scripts run as root on the node, by login or by sudo; `check` shows whether sudo asks for a "
    "password",
    "`--ask-sudo-password`; or allow the user `NOPASSWD: ALL`, or log in as root",
    essential=True,
)


@SUDO.of_node
def root(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether hadeploy's scripts run as root."""
    if state.root:
        how = context.becoming.get(node.label)
        what = f"scripts run as root{f', {how}' if how else ''}"
        yield Finding(SUDO.id, node.label, "pass", what)
    else:
        what, fix = "scripts do not run as root", "set ssh.sudo to auto or always"
        yield Finding(SUDO.id, node.label, "fail", what, fix)


TOOLS = Check(
    "tools",
    "tools",
    "the programs that hadeploy's scripts use are installed: iproute2, bash, coreutils, "
    "util-linux; a warning without perl, which looks for the VIP on other machines of the segment",
    "install them with the node's package manager",
    essential=True,
)


@TOOLS.of_node
def tools(_: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the programs that hadeploy's scripts use are installed."""
    lacking = [tool for tool in NEEDED if tool in state.missing]
    if lacking:
        fix = "install iproute2, bash, coreutils and util-linux there"
        yield Finding(TOOLS.id, node.label, "fail", f"lacks {', '.join(lacking)}", fix)
    elif state.host.thorough and "perl" in state.missing:
        what = "lacks perl, so it cannot look for the VIP on other machines of the segment"
        yield Finding(TOOLS.id, node.label, "warn", what, "install perl there")
    else:
        yield Finding(TOOLS.id, node.label, "pass", "all programs are installed")


DOCKER = Check(
    "docker",
    "Docker engine",
    "the Docker engine is installed, answers, and is 20.10 or newer; a warning if it does not "
    "start when the node boots (*thorough*)",
    "install or start it: https://docs.docker.com/engine/",
    essential=True,
)


@DOCKER.of_node
def docker(_: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the engine meets the requirements."""

    def failed(message: str, fix: str, detail: str | None = None) -> Finding:
        return Finding(DOCKER.id, node.label, "fail", message, fix, detail)

    if "docker" in state.missing:
        yield failed("Docker is not installed", "install it: https://docs.docker.com/engine/")
    elif state.docker is None:
        yield failed(
            "the Docker engine does not answer",
            "start it (systemctl start docker), or allow this user to use sudo",
            state.docker_error,
        )
    elif _too_old(state.docker):
        yield failed(f"Docker {state.docker} is too old", "install 20.10 or newer")
    elif state.host.units.get("docker.boot") == "disabled":
        what = f"Docker {state.docker} and its containers do not start when the node boots"
        yield Finding(DOCKER.id, node.label, "warn", what, "systemctl enable docker")
    else:
        yield Finding(DOCKER.id, node.label, "pass", f"Docker {state.docker}".rstrip())


def _too_old(version: str) -> bool:
    """Whether an engine is too old for `docker run --pull` (20.10)."""
    numbers = re.findall(r"\d+", version)[:2]
    return len(numbers) == 2 and (int(numbers[0]), int(numbers[1])) < (20, 10)


HOST_NETWORK = Check(
    "host-network",
    "host network",
    "the engine can give a container the host's network: it is not rootless, does not remap "
    "users, and has access to the cluster's directory (a snap does not)",
    "use an engine that runs as root, without `userns-remap`",
    thorough=True,
    again_after=frozenset({"container"}),
)


@HOST_NETWORK.of_node
def host_network(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether a container can use the host's network and the cluster's directory."""
    info = state.host.docker
    if not info.get("ServerVersion"):
        return
    options = state.host.security
    folder = str(info.get("DockerRootDir", ""))
    fix = "use an engine that runs as root, without userns-remap"
    if "name=rootless" in options:
        what = "the Docker engine is rootless: its host network is not that of the node"
        yield Finding(HOST_NETWORK.id, node.label, "fail", what, fix)
    elif "name=userns" in options:
        what = "the Docker engine remaps users, so no container can use the host's network"
        yield Finding(HOST_NETWORK.id, node.label, "fail", what, fix)
    elif folder.startswith("/var/snap/"):
        what = f"Docker is a snap, which has no access to {context.cluster.root}"
        fix = "install Docker as a package instead: https://docs.docker.com/engine/"
        yield Finding(HOST_NETWORK.id, node.label, "fail", what, fix)
    else:
        what = "containers can use the host's network"
        yield Finding(HOST_NETWORK.id, node.label, "pass", what)


DISK_SPACE = Check(
    "disk-space",
    "disk space",
    "the engine's data directory is writable and has room for the images (*thorough*), and the "
    "cluster's directory has room for its files: bytes and inodes",
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
    if free.get("root", OWN_FILES_BYTES) < OWN_FILES_BYTES:
        what = f"{free['root'] // 1000} kB are free for {context.cluster.root}"
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
