"""Nodes that a rollout runs its scripts on, without SSH: the seam is `Session.run`.

A fake node does what a script asks for in a few words (which configuration it has, whether it is
kept off the VIP), checks the lock and the fingerprint as lib/lock.sh does, and answers in the
messages of the scripts. A `Fault` makes one script or one step of it end otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.remote.session import Session
from hadeploy.scripts.protocol import Reply
from tests.unit.nodes import Node
from tests.unit.rollout.fake_run import Run
from tests.unit.rollout.fake_scripts import LOOKS, Fault, script_of


@dataclass
class FakeNode:
    """One node.

    Attributes:
        looks: what is observed there, by what it has: "old", "new".
        has: "old", "new", or "half" of the change.
        kept_off: whether a run keeps the VIP off it.
        in_fault: whether its check of haproxy fails.
        speaks: the VRRP settings that its keepalived has read: "old" or "new".
        lock: the token of the run that has the lock.
        generation: the number of its state, for the fingerprint.
        never_applied: whether it has no former state to go back to.
    """

    label: str
    looks: Mapping[str, Node]
    has: str = "old"
    kept_off: bool = False
    in_fault: bool = False
    speaks: str = "old"
    lock: str = ""
    generation: int = 0
    never_applied: bool = False

    @property
    def fingerprint(self) -> str:
        return f"{self.generation:016x}"

    @property
    def takes_part(self) -> bool:
        """Whether its keepalived takes part in elections."""
        return not (self.kept_off or self.in_fault)

    def observed(self, *, holds: bool) -> Node:
        """What a look finds."""
        look = self.looks["old" if self.has == "old" else "new"]
        look = look.with_(vrrp=look.vrrp and self.looks[self.speaks].vrrp)
        look = look.with_vip() if holds else look.without_vip()
        look = look.with_(fingerprint=self.fingerprint)
        look = look.with_track("handover") if self.kept_off else look
        return look if self.takes_part else look.in_state("FAULT")


@dataclass
class FakeCluster:
    """Its nodes, the VIP, what they were sent, and what goes wrong.

    Attributes:
        priorities: by node label; the highest wins an election.
        holder: the node that has the VIP.
        sent: each script but the looks, as `NODE SCRIPT`, in the order in which they began.
        on_script: called with this cluster, the node and the name of each script before it runs.
        other_process: of another run that has a lock.
    """

    nodes: dict[str, FakeNode]
    priorities: Mapping[str, int]
    holder: str | None
    faults: list[Fault] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    on_script: Callable[[FakeCluster, str, str], None] = lambda *_: None
    other_process: str = ""

    @property
    def sessions(self) -> dict[str, Session]:
        """To all nodes."""
        return {label: FakeSession(label, self) for label in self.nodes}

    def observed(self) -> dict[str, Node]:
        """All nodes as they are now."""
        return {n: one.observed(holds=n == self.holder) for n, one in self.nodes.items()}

    def elect(self) -> None:
        """Who takes no part gives the VIP up; the best of the others takes it (no preemption)."""
        if self.holder is None or not self.nodes[self.holder].takes_part:
            able = [n for n, one in self.nodes.items() if one.takes_part]
            self.holder = max(able, key=lambda n: self.priorities[n], default=None)

    def put_in_fault(self, node: str) -> None:
        """From now on its check of haproxy fails."""
        self.nodes[node].in_fault = True
        self.elect()

    def masters(self) -> int:
        """The number of masters: nodes with different VRRP settings ignore each other's adverts."""
        return len({one.speaks for one in self.nodes.values() if one.takes_part})

    def fault(self, node: str, *names: str) -> Fault | None:
        """What goes wrong here, which then does not happen again."""
        for fault in self.faults:
            if fault.node == node and fault.at in names:
                self.faults.remove(fault)
                return fault
        return None


class FakeSession(Session):
    """A session to a node of a fake cluster."""

    def __init__(self, label: str, cluster: FakeCluster) -> None:
        super().__init__(label, None, sudo=False, silence=5)
        object.__setattr__(self, "cluster", cluster)

    def run(self, script: str, *, operation: str, **hearing: Any) -> Reply:
        """Run a script on the fake node."""
        cluster: FakeCluster = self.cluster  # type: ignore[attr-defined]
        job = script_of(script)
        if job.name not in LOOKS:
            cluster.sent.append(f"{self.node} {job.name}")
        cluster.on_script(cluster, self.node, job.name)
        return Run(cluster, self.node, job, operation, hearing.get("on_message")).reply()
