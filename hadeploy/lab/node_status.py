"""The status of a lab's nodes, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeStatus:
    """The status of one node."""

    name: str
    address: str
    running: bool
    ssh: bool
    docker: bool
    api_server: bool
    cable: bool

    @property
    def well(self) -> bool:
        """Whether everything is in the state after `up`."""
        return all((self.running, self.ssh, self.docker, self.api_server, self.cable))
