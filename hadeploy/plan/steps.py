"""A plan as data: ordered steps for each node, each with a reason and an impact."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from hadeploy.desired.roles import Role


class Impact(str, Enum):
    """The effect of a step on the traffic of its node."""

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
        subject: a path, a container name, an image reference or an address.
        reason: in words.
        role: the container that the step affects, if any.
        diff: the lines of a diff, without secrets.
        drift: whether the step repairs drift.
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
        coordinated: whether all nodes restore their previous configuration if this one fails.
    """

    node: str
    steps: tuple[Step, ...]
    holder: bool = False
    drained: bool = False
    coordinated: bool = False


@dataclass(frozen=True)
class Plan:
    """The nodes in the order in which they are changed; a node may have two turns.

    Attributes:
        coordinated: the VRRP settings that change on all nodes together, in words.
        warnings: expected interruptions of traffic, in sentences.
        removes: removed ports and VIPs, in sentences.
        undoes: changes of other users that the plan undoes, in sentences.
        applied: a sentence about the user of the last change; "" for the same user.
        parallel: whether all nodes have their turns at the same time, because none serves yet.
    """

    nodes: tuple[NodePlan, ...]
    coordinated: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    parallel: bool = False
    removes: tuple[str, ...] = ()
    undoes: tuple[str, ...] = ()
    applied: str = ""

    @property
    def changes(self) -> int:
        """The number of steps of all nodes."""
        return sum(len(node.steps) for node in self.nodes)

    def roles(self, node: str) -> set[Role]:
        """The programs that change on a node."""
        turns = (turn for turn in self.nodes if turn.node == node)
        return {step.role for turn in turns for step in turn.steps if step.role}

    def then(self, other: Plan) -> Plan:
        """This plan and another one after it."""
        return Plan(
            (*self.nodes, *other.nodes),
            other.coordinated,
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
                "together": node.coordinated,
                "steps": [step.document() for step in node.steps],
            }
            for node in self.nodes
        ]
