"""The outcome of each node after a rollout that stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from hadeploy.errors import ExitCode, HadeployError


class NodeOutcome(str, Enum):
    """The configuration of a node after its turn."""

    NEW = "new"
    HELD = "held"
    RESTORED = "restored"
    RESTORED_OFF = "restored-off"
    UNTOUCHED = "untouched"
    PARTIAL = "partial"
    PARTIAL_FIRST = "partial-first"
    KEPT_OFF = "kept-off"
    UNKNOWN = "unknown"

    @property
    def text(self) -> str:
        """For display."""
        return _TEXTS[self]


_TEXTS = {
    NodeOutcome.NEW: "new configuration",
    NodeOutcome.HELD: "new configuration; kept off the VIP until all nodes have it",
    NodeOutcome.RESTORED: "previous configuration, restored",
    NodeOutcome.RESTORED_OFF: "previous configuration, restored; kept off the VIP",
    NodeOutcome.UNTOUCHED: "unchanged",
    NodeOutcome.PARTIAL: "partially applied; the previous configuration could not be restored",
    NodeOutcome.PARTIAL_FIRST: "partially applied; there is no earlier configuration to restore",
    NodeOutcome.KEPT_OFF: "new configuration, not healthy; kept off the VIP",
    NodeOutcome.UNKNOWN: "unknown: the connection was lost, or the answer could not be parsed; the "
    "node finishes or restores its part by itself, unless it restarts",
}


class RolloutError(HadeployError):
    """A rollout that stopped before its end.

    Args:
        cause: the error that stopped it.
        nodes: the outcomes, by node label.
    """

    def __init__(self, cause: HadeployError, nodes: dict[str, NodeOutcome]) -> None:
        super().__init__(
            cause.message,
            node=cause.node,
            operation=cause.operation,
            hint=cause.hint,
            detail="\n".join([*(cause.detail or "").splitlines()[-14:], *_lines(nodes)]),
            code=ExitCode.FAILED if cause.code is ExitCode.UNREACHABLE else cause.code,
        )
        self.nodes = nodes


class NodeFailedError(HadeployError):
    """A node was not healthy after its step.

    Args:
        outcome: of the node.
    """

    def __init__(
        self,
        what: str,
        outcome: NodeOutcome,
        *,
        node: str,
        detail: str | None = None,
        hint: str | None = "fix the cause and run `hadeploy up` again",
    ) -> None:
        super().__init__(what, node=node, operation="applying", detail=detail, hint=hint)
        self.outcome = outcome


class NotTakenOverError(NodeFailedError):
    """After a handover no node answered clients on the VIP."""

    def name_nodes(self, nodes: Sequence[str]) -> None:
        """Name the nodes that had the VIP.

        Args:
            nodes: their labels; they are kept off it now.
        """
        if nodes:
            names = " and ".join(nodes)
            line = f"{names} got the VIP and did not answer on it"
            self.detail = "\n".join([*(self.detail or "").splitlines(), line])
            self.hint = (
                f"what drops or misroutes packets of the VIP on {names}? `ip rule`, `nft list "
                "ruleset`, `iptables-save`, `arptables-save`; then run `hadeploy up` again"
            )


def _lines(nodes: dict[str, NodeOutcome]) -> Iterable[str]:
    return [f"{node}: {outcome.text}" for node, outcome in nodes.items()]
