"""What starts containers besides their own engine: files on the node that do so at boot. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hadeploy.observe.model import ObservedContainer
from hadeploy.transport.protocol import Message, Reply

# Of containers that Docker does not know: who starts them is told by their cgroup, not by labels.
LABEL_KUBELET = "io.kubernetes.pod"
LABEL_ENGINE = "other-engine"


@dataclass(frozen=True)
class AutostartFile:
    """A file that makes the kubelet or systemd start haproxy or keepalived in a container.

    Attributes:
        path: of a static pod's manifest, or of a unit that is enabled.
    """

    path: str

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def is_unit(self) -> bool:
        """Whether it is a unit of systemd; else it is a manifest."""
        return self.path.endswith(".service")


def parse_autostart_files(reply: Reply) -> tuple[AutostartFile, ...]:
    """The files that containers.sh found."""
    paths = [" ".join(message.words) for message in reply.all("autostart-file")]
    return tuple(
        AutostartFile(path) for path in paths if path.startswith("/") and path.isprintable()
    )


def of_another_engine(message: Message) -> tuple[ObservedContainer, ...]:
    """What is known of a container that Docker does not know: its id, and who starts it."""
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
