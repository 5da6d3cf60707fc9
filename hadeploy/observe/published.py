"""Ports that the engine publishes for a container (`docker run -p`). Pure."""

from __future__ import annotations

import re

from hadeploy.observe.inspected import PublishedPorts
from hadeploy.observe.observed_node import Foreign, Socket

_PORT = re.compile(r"[0-9]{1,5}")
# They hold a published port on the node.
ENGINE = frozenset(("docker-proxy", "dockerd"))


def published(foreign: Foreign) -> dict[int, int] | None:
    """Its TCP port → the node's; None with the node's network."""
    told = PublishedPorts.model_validate(foreign.container.raw)
    if told.HostConfig.NetworkMode == "host":
        return None
    found = {}
    for inner, bindings in (told.NetworkSettings.Ports or {}).items():
        port, _, protocol = inner.partition("/")
        outer = [b.HostPort for b in bindings or () if _PORT.fullmatch(b.HostPort)]
        if protocol == "tcp" and _PORT.fullmatch(port) and outer:
            found[int(port)] = int(outer[0])
    return found


def serves(foreign: Foreign, socket: Socket) -> bool:
    """Whether it listens there itself, or the engine does so for it."""
    if socket.belongs_to(foreign.container):
        return True
    by_engine = bool(socket.owners) and {owner.name for owner in socket.owners} <= ENGINE
    return by_engine and socket.port in (published(foreign) or {}).values()
