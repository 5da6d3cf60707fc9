"""The Docker engine of a node. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

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
