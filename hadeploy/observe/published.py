"""Ports that the engine publishes for a container (`docker run -p`). Pure."""

from __future__ import annotations

import re

from hadeploy.observe.inspected import PublishedPorts
from hadeploy.observe.observed_node import Foreign, Socket

_PORT = re.compile(r"[0-9]{1,5}")
# The processes of the engine that listen on published ports.
ENGINE = frozenset(("docker-proxy", "dockerd"))


def published(foreign: Foreign) -> dict[int, int] | None:
    """TCP port of the container → port of the node; None if it uses the node's network."""
    inspected = PublishedPorts.model_validate(foreign.container.raw)
    if inspected.HostConfig.NetworkMode == "host":
        return None
    found = {}
    for inner, bindings in (inspected.NetworkSettings.Ports or {}).items():
        port, _, protocol = inner.partition("/")
        outer = [b.HostPort for b in bindings or () if _PORT.fullmatch(b.HostPort)]
        if protocol == "tcp" and _PORT.fullmatch(port) and outer:
            found[int(port)] = int(outer[0])
    return found


def serves(foreign: Foreign, socket: Socket) -> bool:
    """Whether it listens on the socket, or the engine publishes the port for it."""
    if socket.belongs_to(foreign.container):
        return True
    by_engine = bool(socket.owners) and {owner.name for owner in socket.owners} <= ENGINE
    return by_engine and socket.port in (published(foreign) or {}).values()
