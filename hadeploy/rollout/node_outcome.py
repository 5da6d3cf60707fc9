"""Who has what after a roll that did not come to its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum

from hadeploy.errors import ExitCode, HadeployError


class NodeOutcome(str, Enum):
    """What a node has now."""

    NEW = "new"
    HALF = "half"
    RESTORED = "restored"
    RESTORED_OFF = "restored-off"
    UNTOUCHED = "untouched"
    BROKEN = "broken"
    FIRST = "first"
    KEPT_OFF = "kept-off"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """For people; begins with "has"."""
        return _WORDS[self]


_WORDS = {
    NodeOutcome.NEW: "has the new configuration",
    NodeOutcome.HALF: "has the new configuration, and is kept off the VIP until all nodes have it",
    NodeOutcome.RESTORED: "has the previous configuration, put back",
    NodeOutcome.RESTORED_OFF: "has the previous configuration, put back, and is kept off the VIP",
    NodeOutcome.UNTOUCHED: "has what it had; it was not touched",
    NodeOutcome.BROKEN: "has half of the change; it could not be put back",
    NodeOutcome.FIRST: "has half of the change; there was nothing before it to put back",
    NodeOutcome.KEPT_OFF: "has the new configuration, is not healthy, and is kept off the VIP",
    NodeOutcome.UNKNOWN: "was lost, or its answer makes no sense; it finishes its part, or puts it "
    "back, by itself, unless it restarts",
}


class RolloutError(HadeployError):
    """A roll that stopped half-way.

    Args:
        cause: what stopped it.
        nodes: who has what, by label.
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
        standing: what it has now.
        hint: what to do.
    """

    def __init__(
        self,
        what: str,
        standing: NodeOutcome,
        *,
        node: str,
        detail: str | None = None,
        hint: str | None = "mend the cause and run `hadeploy up` again",
    ) -> None:
        super().__init__(what, node=node, operation="applying", detail=detail, hint=hint)
        self.standing = standing


class NotTakenOverError(NodeFailedError):
    """After a handover no node answered clients on the VIP."""

    def blame(self, nodes: Sequence[str]) -> None:
        """Name the nodes that had the VIP.

        Args:
            nodes: their labels; they are kept off it now.
        """
        if nodes:
            names = " and ".join(nodes)
            said = f"{names} got the VIP and did not answer on it"
            self.detail = "\n".join([*(self.detail or "").splitlines(), said])
            self.hint = (
                f"what drops or misroutes packets of the VIP on {names}? `ip rule`, `nft list "
                "ruleset`, `iptables-save`, `arptables-save`; then run `hadeploy up` again"
            )


def _lines(nodes: dict[str, NodeOutcome]) -> Iterable[str]:
    return [f"{node} {standing.words}" for node, standing in nodes.items()]
