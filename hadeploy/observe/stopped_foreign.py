"""Stopped foreign containers that the engine may start by itself. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.desired.roles import Role
from hadeploy.observe.container import ObservedContainer
from hadeploy.scripts.protocol import Message, Reply

_ROLES: Mapping[str, Role] = {"haproxy": "haproxy", "keepalived": "keepalived"}


@dataclass(frozen=True)
class StoppedForeign:
    """A container with a restart policy that hadeploy did not create.

    Attributes:
        role: by its image, command and mounts; None for other containers.
        started: whether it was ever started; None if the engine's file cannot be read.
        stopped_by_hand: whether `docker stop` or `docker kill` ended it; None likewise.
        path: of its configuration in the container; "" if none was found.
        config: the configuration; it may contain secrets.
        vip_in: a mounted file that contains a VIP, or "its command line or environment".
    """

    container: ObservedContainer
    role: Role | None
    started: bool | None
    stopped_by_hand: bool | None
    path: str = ""
    config: bytes = field(default=b"", repr=False)
    vip_in: str = ""

    def autostart(self, now: int) -> str:
        """Why the engine starts it by itself; "" if it runs, or the engine does not start it.

        Args:
            now: the node's clock, seconds since the epoch.
        """
        container = self.container
        restarts = container.raw.get("HostConfig", {}).get("RestartPolicy") or {}
        policy, retries = str(restarts.get("Name") or ""), restarts.get("MaximumRetryCount") or 0
        if container.restarts_in_a_loop(now):
            return f"it is in a restart loop (restart policy {policy})"
        return "" if container.running else autostart(self, policy, retries)


def autostart(stopped: StoppedForeign, policy: str, retries: int) -> str:
    """Why the engine will start a stopped container when the engine starts; "" if it will not.

    The rules are those of moby (daemon.restore, restartmanager.ShouldRestart): `always` also starts
    containers that were stopped by hand; `unless-stopped` does not. `on-failure` also starts them,
    contrary to its documentation, if the last exit status is not 0 and retries are left.

    Args:
        stopped: the container.
        policy: its restart policy.
        retries: the maximum of `on-failure`; 0 for no limit.
    """
    container = stopped.container
    if stopped.started is False:
        return ""
    starts = {
        "always": True,
        "unless-stopped": not stopped.stopped_by_hand,
        "on-failure": container.exit_code != 0 and (not retries or container.restarts < retries),
    }
    if not starts.get(policy):
        return ""
    return f"it starts when Docker or the node restarts (restart policy {policy})"


def parse_stopped_foreign(
    reply: Reply, containers: Mapping[str, ObservedContainer]
) -> tuple[StoppedForeign, ...]:
    """Parse the output of containers.sh.

    Args:
        reply: of observe.sh.
        containers: all inspected containers, by id.
    """
    found = []
    places = {m.words[0]: m.words[1:] for m in reply.all("stopped-vip") if m.words}
    for message in reply.all("stopped-foreign"):
        if len(message.words) != 4 or message.words[0] not in containers:
            continue
        name, started, stopped, role = message.words
        path, config = _configuration(
            [m for m in reply.all("stopped-config") if m.words[:1] == (name,)]
        )
        found.append(
            StoppedForeign(
                containers[name],
                _ROLES.get(role),
                _flag(started),
                _flag(stopped),
                path,
                config,
                " ".join(places.get(name, ())),
            )
        )
    return tuple(found)


def _flag(word: str) -> bool | None:
    return {"yes": True, "no": False}.get(word)


def _configuration(messages: list[Message]) -> tuple[str, bytes]:
    contents = []
    for message in messages:
        try:
            contents.append(base64.b64decode(message.text))
        except binascii.Error:
            continue
    path = " ".join(messages[0].words[1:]) if messages else ""
    return path, b"\n".join(contents)
