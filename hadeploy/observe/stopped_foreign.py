"""Foreign containers that do not run and that the engine may start by itself. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.desired.desired_node import Role
from hadeploy.observe.observed_node import ObservedContainer
from hadeploy.scripts.protocol import Message, Reply

_ROLES: Mapping[str, Role] = {"haproxy": "haproxy", "keepalived": "keepalived"}


@dataclass(frozen=True)
class StoppedForeign:
    """A container that carries no mark of hadeploy and has a restart policy.

    Attributes:
        role: what it seems to be, by its image, command and mounts; None for anything else.
        started: whether it was ever started; None if the engine's own file cannot be read.
        stopped_by_hand: whether `docker stop` or `docker kill` ended it; None likewise.
        path: of its configuration in the container; "" if none was found.
        config: that configuration; it may hold secrets.
        vip_in: a file that it mounts and that names a VIP, or "its command line or environment".
    """

    container: ObservedContainer
    role: Role | None
    started: bool | None
    stopped_by_hand: bool | None
    path: str = ""
    config: bytes = field(default=b"", repr=False)
    vip_in: str = ""

    def autostart(self, now: int) -> str:
        """Why the engine starts it again by itself, in words; "" if it runs, or does not start.

        Args:
            now: the node's clock, seconds since the epoch.
        """
        there = self.container
        restarts = there.raw.get("HostConfig", {}).get("RestartPolicy") or {}
        policy, most = str(restarts.get("Name") or ""), restarts.get("MaximumRetryCount") or 0
        if there.restarts_in_a_loop(now):
            return f"it is in a restart loop (restart policy {policy})"
        return "" if there.running else autostart(self, policy, most)


def autostart(one: StoppedForeign, policy: str, most: int) -> str:
    """By the rules of the engine at its start (moby: daemon.restore, restartmanager.ShouldRestart).

    `always` starts also what was stopped by hand, `unless-stopped` does not. So does `on-failure`,
    whatever its documentation says, if the last exit status is not 0 and tries are left.

    Args:
        one: a container that does not run.
        policy: its restart policy.
        most: the number of tries of `on-failure`; 0 for no limit.
    """
    there = one.container
    if one.started is False:
        return ""
    starts = {
        "always": True,
        "unless-stopped": not one.stopped_by_hand,
        "on-failure": there.exit_code != 0 and (not most or there.restarts < most),
    }
    if not starts.get(policy):
        return ""
    return f"it starts when Docker or the node restarts (restart policy {policy})"


def parse_stopped_foreign(
    reply: Reply, containers: Mapping[str, ObservedContainer]
) -> tuple[StoppedForeign, ...]:
    """What containers.sh said of them.

    Args:
        reply: of observe.sh.
        containers: by id, what was inspected.
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
