"""A plan is data: ordered steps per node, each with a reason and an impact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from hadeploy.desired.desired_node import Role


class Impact(str, Enum):
    """What a step does to traffic on its node."""

    NONE = "none"
    RELOAD = "reload"
    HANDOVER = "handover"
    RESTART = "restart"
    OUTAGE = "outage"


Action = Literal[
    "load-image",
    "write-file",
    "create-container",
    "recreate-container",
    "start-container",
    "reload-container",
    "remove-container",
    "remove-file",
    "remove-address",
    "hold",
    "await",
    "keep-aside",
    "stop-container",
    "disable-container",
    "handover",
    "finish-handover",
    "pin",
    "unpin",
    "write-record",
]


@dataclass(frozen=True)
class Step:
    """One change on one node.

    Attributes:
        action: what is done.
        subject: to what: a path, a container name, an image reference, an address.
        reason: why, in words.
        impact: what traffic notices.
        role: the container it concerns, if any.
        diff: what changes, line by line, without secrets.
        drift: whether the node is no longer as it was left, by hand or by a failure.
    """

    action: Action
    subject: str
    reason: str
    impact: Impact = Impact.NONE
    role: Role | None = None
    diff: tuple[str, ...] = ()
    drift: bool = False

    def document(self) -> dict[str, Any]:
        """The step in the machine-readable plan."""
        return {
            "action": self.action,
            "subject": self.subject,
            "reason": self.reason,
            "impact": self.impact.value,
            "diff": list(self.diff),
            "drift": self.drift,
        }


@dataclass(frozen=True)
class NodePlan:
    """The steps of one node, in order.

    Attributes:
        together: whether, if it fails, every node goes back to what it had.
    """

    node: str
    steps: tuple[Step, ...]
    holder: bool = False
    drained: bool = False
    together: bool = False


@dataclass(frozen=True)
class Plan:
    """The nodes in the order in which they are changed; one may have its turn twice.

    Attributes:
        nodes: what is done.
        together: the VRRP settings that change on all nodes together, in words.
        warnings: what interruption of traffic to expect, in sentences.
        removes: what goes away for clients (a port, a VIP), in sentences.
        undoes: changes of others that the inventory does not have, in sentences.
        applied: who applied what the nodes have, as a sentence; "" if that is this user.
        at_once: whether all nodes have their turns at the same time, since nothing serves yet.
    """

    nodes: tuple[NodePlan, ...]
    together: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    at_once: bool = False
    removes: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()
    applied: str = ""

    @property
    def changes(self) -> int:
        """How many steps there are in all."""
        return sum(len(node.steps) for node in self.nodes)

    def roles(self, node: str) -> set[Role]:
        """The programs that are changed on a node."""
        turns = (turn for turn in self.nodes if turn.node == node)
        return {step.role for turn in turns for step in turn.steps if step.role}

    def then(self, other: Plan) -> Plan:
        """This plan and another one after it."""
        return Plan(
            (*self.nodes, *other.nodes),
            other.together,
            (*self.warnings, *other.warnings),
            removes=tuple(dict.fromkeys((*self.removes, *other.removes))),
            undoes=tuple(dict.fromkeys((*self.undoes, *other.undoes))),
            applied=self.applied or other.applied,
        )

    def document(self) -> list[dict[str, Any]]:
        """The machine-readable plan."""
        return [
            {
                "node": node.node,
                "holder": node.holder,
                "drained": node.drained,
                "together": node.together,
                "steps": [step.document() for step in node.steps],
            }
            for node in self.nodes
        ]
