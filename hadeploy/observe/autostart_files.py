"""Files on the node that start containers or add a VIP at boot. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hadeploy.observe.container import ObservedContainer
from hadeploy.scripts.protocol import Message, Reply

# For containers of other engines, observe.sh derives from the cgroup what starts them.
LABEL_KUBELET = "io.kubernetes.pod"
LABEL_ENGINE = "other-engine"
_Names = Literal["program", "vip", "address"]
_NAMES: Mapping[str, _Names] = {"vip": "vip", "address": "address"}


@dataclass(frozen=True)
class AutostartFile:
    """A file that starts haproxy or keepalived at boot, or adds a VIP to the node.

    Attributes:
        path: of the manifest of a static pod, an enabled unit, a quadlet, a crontab, or the network
            configuration.
        names: what the file contains: a program, the VIP as an address of a pod ("vip"), or the VIP
            as a static address of the node ("address").
    """

    path: str
    names: _Names = "program"

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def is_unit(self) -> bool:
        """Whether it is a systemd unit."""
        return self.path.endswith(".service")

    @property
    def is_manifest(self) -> bool:
        """Whether it is the manifest of a static pod, which the kubelet reads."""
        return "manifests/" in self.path


def parse_autostart_files(reply: Reply) -> tuple[AutostartFile, ...]:
    """Parse the output of autostart.sh."""
    found = []
    for message in reply.all("autostart-file"):
        names, path = "".join(message.words[:1]), " ".join(message.words[1:])
        if path.startswith("/") and path.isprintable():
            found.append(AutostartFile(path, _NAMES.get(names, "program")))
    return tuple(found)


def of_another_engine(message: Message) -> tuple[ObservedContainer, ...]:
    """A container of another engine; only its id and what starts it are known."""
    if len(message.words) != 3 or not re.fullmatch("[0-9a-f]{64}", message.words[1]):
        return ()
    _, name, started_by = message.words
    label = LABEL_KUBELET if started_by == "kubelet" else LABEL_ENGINE
    return (
        ObservedContainer(
            name=name[:12],
            id=name,
            image_id="",
            image="of another engine than Docker",
            cluster=None,
            spec=None,
            role=None,
            status="running",
            started=0.0,
            restarts=0,
            exit_code=0,
            pid=0,
            raw={"Config": {"Labels": {label: ""}}},
        ),
    )
