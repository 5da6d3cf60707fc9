"""Observed nodes that read as a specification: `node("n2", of=CLUSTER).with_track("drain")`."""

from __future__ import annotations

import dataclasses

from hadeploy.desired.roles import Role
from hadeploy.observe.observed_node import Address, BackendServer, ObservedFile, ObservedNode

VIP = "198.51.100.100"


class Node(ObservedNode):
    """An observed node; each method returns the same node with one difference."""

    def with_(self, **changes: object) -> Node:
        """Any field of the observation."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]

    def with_track(self, name: str, content: str = "1\n") -> Node:
        """A track file: `drain` of the operator, or `handover` of a run."""
        return self.with_file(f"track/{name}", content)

    def with_file(self, path: str, content: str, mode: int = 0o644) -> Node:
        """Another content, and mode, of a file in the cluster's folder."""
        file = ObservedFile(path, mode, "0:0", content.encode())
        return self.without_file(path).with_(files=(*self.without_file(path).files, file))

    def without_file(self, path: str) -> Node:
        """No such file."""
        return self.with_(files=tuple(f for f in self.files if f.path != path))

    def without_container(self, role: Role) -> Node:
        """Neither the container nor what it answers."""
        rest = tuple(c for c in self.containers if c.role != role)
        gone = {"serving": None} if role == "haproxy" else {"vrrp": None}
        return self.with_(containers=rest, **gone)

    def with_container(self, role: Role, **changes: object) -> Node:
        """A container that is otherwise than its specification."""
        return self.with_(
            containers=tuple(
                dataclasses.replace(c, **changes) if c.role == role else c  # type: ignore[arg-type]
                for c in self.containers
            )
        )

    def stopped(self, role: Role) -> Node:
        """The container has exited, and answers nothing."""
        exited = self.with_container(role, status="exited", pid=0)
        if role == "haproxy":
            return exited.with_(serving=None, backends=())
        return exited.with_(vrrp=None, keepaliveds={})

    def with_address(self, address: str, interface: str = "lo", prefix: int = 32) -> Node:
        """One more address."""
        return self.with_(addresses=(*self.addresses, Address(interface, address, prefix)))

    def with_image(self, reference: str) -> Node:
        """One more image."""
        return self.with_(images={**self.images, reference: f"sha256:{reference}"})

    def with_vip(self, vip: str = VIP) -> Node:
        """The VIP is on the node, and its keepalived is the master."""
        there = (*self.without_vip(vip).addresses, Address("eth0", vip, 32))
        return self.with_(addresses=there).in_state("MASTER")

    def without_vip(self, vip: str = VIP) -> Node:
        """The VIP is not on the node, and its keepalived is a backup."""
        rest = tuple(a for a in self.addresses if a.address != vip)
        return self.with_(addresses=rest).in_state("BACKUP")

    def in_state(self, state: str) -> Node:
        """The state of its keepalived, if there is one."""
        return self.with_(vrrp=self.vrrp and dataclasses.replace(self.vrrp, state=state))

    def with_backends(self, status: str) -> Node:
        """The status of all servers, as its haproxy has it."""
        servers = (BackendServer(s.listener, s.name, status) for s in self.backends)
        return self.with_(backends=tuple(servers))

    def with_record(self, **changes: object) -> Node:
        """Another applied record."""
        assert self.applied, f"{self.node} has no record"
        return self.with_(applied=dataclasses.replace(self.applied, **changes))  # type: ignore[arg-type]

    def without_record(self) -> Node:
        """No applied record."""
        return self.with_(applied=None)
