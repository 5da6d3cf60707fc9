"""The state of a lab's nodes, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeStatus:
    """What one node is doing now."""

    name: str
    address: str
    running: bool
    ssh: bool
    docker: bool
    api_server: bool
    cable: bool

    @property
    def well(self) -> bool:
        """Whether all of it is as `up` leaves it."""
        return all((self.running, self.ssh, self.docker, self.api_server, self.cable))
