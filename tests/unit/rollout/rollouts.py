"""Rollouts on fake nodes: the changes that are made, and who has what afterwards."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hadeploy.errors import HadeployError
from hadeploy.plan.backends import SUFFIX
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.node_outcome import NodeOutcome, RolloutError
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.up import apply
from hadeploy.scripts.protocol import Reply
from hadeploy.ui.progress import Lines
from tests.unit import builders
from tests.unit.nodes import Node
from tests.unit.rollout.fake_nodes import FakeCluster, FakeNode
from tests.unit.rollout.fake_run import Look
from tests.unit.rollout.fake_scripts import Fault

CHANGES = ("change", "let go", "put back", "keep off", "give back", "hand back")
# The modules of hadeploy/rollout that wait.
WAITING = (
    "client_view",
    "failback",
    "lost_backends",
    "take_back",
    "takeover",
    "takeover_candidates",
)

# The meaning of each outcome: the configuration of the node, and whether it is kept off the VIP.
MEANINGS: Mapping[NodeOutcome, tuple[tuple[str, bool], ...]] = {
    NodeOutcome.UNTOUCHED: (("old", False),),
    NodeOutcome.RESTORED: (("old", False),),
    NodeOutcome.RESTORED_OFF: (("old", True),),
    NodeOutcome.NEW: (("new", False),),
    NodeOutcome.HELD: (("new", True),),
    NodeOutcome.KEPT_OFF: (("new", True), ("half", True)),
    NodeOutcome.PARTIAL: (("half", False), ("half", True)),
    NodeOutcome.PARTIAL_FIRST: (("half", False), ("half", True)),
}


@dataclass(frozen=True)
class Rollout:
    """How one ended.

    Attributes:
        cluster: the fake nodes.
        error: what it ended with, if anything.
    """

    cluster: FakeCluster
    error: BaseException | None

    @property
    def outcomes(self) -> str:
        """Who has what, as the error says: "n1 untouched, n2 restored, n3 new"."""
        assert isinstance(self.error, RolloutError), repr(self.error)
        reported = self.error.nodes
        return ", ".join(f"{node} {reported[node].value}" for node in sorted(reported))

    @property
    def failure(self) -> HadeployError:
        """What it ended with."""
        assert isinstance(self.error, HadeployError), repr(self.error)
        return self.error

    @property
    def cause(self) -> BaseException | None:
        """What made it stop."""
        return self.failure.__cause__

    def sent(self, *names: str) -> list[str]:
        """The scripts of those names, in order, as `NODE SCRIPT`; without names: all changes."""
        names = names or CHANGES
        return [one for one in self.cluster.sent if one.partition(" ")[2] in names]

    def untrue(self) -> list[str]:
        """The nodes whose outcome in the error is wrong; lost nodes have none."""
        assert isinstance(self.error, RolloutError), repr(self.error)
        return [
            f"{node} is said to be {outcome.value}; it has the {one.has} configuration"
            + (", kept off the VIP" if one.kept_off else "")
            for node, outcome in self.error.nodes.items()
            if outcome is not NodeOutcome.UNKNOWN
            and ((one := self.cluster.nodes[node]).has, one.kept_off) not in MEANINGS[outcome]
        ]

    def locked(self) -> list[str]:
        """The nodes on which the lock still is."""
        return [node for node, one in self.cluster.nodes.items() if one.lock]


@dataclass(frozen=True)
class Change:
    """A change of an inventory.

    Attributes:
        options: what is new in it.
        holder: the node that has the VIP; "" where nothing was ever applied.
        always: what is in both inventories.
        lacking: the nodes that lack the images, with blanks between them.
    """

    options: Mapping[str, Any]
    holder: str = "n1"
    always: Mapping[str, Any] = field(default_factory=dict)
    lacking: str = ""

    def roll_out(
        self,
        *faults: Fault,
        looks: Mapping[str, Node] | None = None,
        serves_here: bool = False,
        locked_on: str = "",
        locked_by: str = "",
        on_script: Any = lambda *_: None,
        impatient: bool = False,
    ) -> Rollout:
        """Plan it, and carry the plan out.

        Args:
            faults: what goes wrong.
            looks: nodes that are observed otherwise than healthy before the change.
            serves_here: whether this machine is a client, too.
            locked_on: the nodes on which another run has the lock, with blanks between them.
            locked_by: the process of that run.
            on_script: as FakeCluster has it.
            impatient: whether a second Ctrl-C follows the first one.
        """
        cluster = self.nodes(looks or {})
        cluster.faults, cluster.on_script = list(faults), on_script
        cluster.other_process = locked_by
        for node in locked_on.split():
            cluster.nodes[node].lock = "another"
        observed: dict[str, Any] = dict(cluster.observed())
        inventory = builders.cluster(**self.always, **self.options)
        desired = builders.desired(inventory)
        plan = make_plan(inventory, desired, observed)
        prepared = Prepared(inventory, observed, desired, plan, serves_here=serves_here)
        progress = Impatient(Console(quiet=True)) if impatient else quiet()
        inputs = Inputs(inventory, Path(), None, None)
        error: BaseException | None = None
        try:
            apply(inputs, prepared, cluster.sessions, progress, settle=5)
        except (HadeployError, KeyboardInterrupt) as caught:
            error = caught
        assert not cluster.faults, f"did not happen: {cluster.faults}"
        return Rollout(cluster, error)

    def nodes(self, looks: Mapping[str, Node] | None = None) -> FakeCluster:
        """The nodes before it.

        Args:
            looks: the nodes that are not healthy.
        """
        old, new = builders.cluster(**self.always), builders.cluster(**self.always, **self.options)
        before = (
            builders.healthy(old, self.holder)
            if self.holder
            else {n: builders.empty(n) for n in ("n1", "n2", "n3")}
        )
        before |= looks or {}
        for image in (new.images.haproxy, new.images.keepalived):
            before = {
                n: look if n in self.lacking.split() else look.with_image(image.reference)
                for n, look in before.items()
            }
        after = builders.healthy(new, self.holder)
        return FakeCluster(
            {
                n: FakeNode(n, {"old": look, "new": after[n]}, never_applied=look.applied is None)
                for n, look in before.items()
            },
            {n: state.priority for n, state in builders.desired(new).items()},
            self.holder or None,
        )


RELOAD = Change({"listeners": [{"balance": "roundrobin"}]})
RECREATE = Change({"haproxy": {"maxconn": 900}})
COORDINATED = Change({"vrrp": {"virtual_router_id": 77}})
FIRST = Change({}, holder="")
SERVER = f"{builders.cluster().listeners[0].name}{SUFFIX}/n2"


def from_then_on(
    where: str, script: str, change: Callable[[Node], Node], *others: str
) -> Callable[[FakeCluster, str, str], None]:
    """Once that script runs there, these nodes differ (that one, if none are named)."""

    def on_script(cluster: FakeCluster, label: str, name: str) -> None:
        if (label, name) == (where, script):
            for other in others or (where,):
                one = cluster.nodes[other]
                one.looks = {has: change(look) for has, look in one.looks.items()}

    return on_script


def backends_down(look: Node) -> Node:
    """Its haproxy reaches no backend."""
    return look.with_backends("DOWN")


def quiet() -> Lines:
    """Progress without output."""
    return Lines(Console(quiet=True))


class Impatient(Lines):
    """Presses Ctrl-C again at the message that the current node is finished first."""

    def waiting(self, text: str) -> None:
        """What the run waits for."""
        if text.startswith("interrupted"):
            signal.raise_signal(signal.SIGINT)


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._slept = 0.0

    def monotonic(self) -> float:
        """Seconds; a look takes some, too."""
        return self._slept + next(self._ticks) / 1000

    def sleep(self, seconds: float) -> None:
        """Wait in no time."""
        self._slept += seconds


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Observations come from the fake nodes, and nothing sleeps."""

    def understand(_: str, reply: Reply) -> Node:
        assert isinstance(reply, Look)
        assert reply.observed
        return reply.observed

    monkeypatch.setattr("hadeploy.observe.gather.read_observation", understand)
    clock = Clock()
    for module in WAITING:
        monkeypatch.setattr(f"hadeploy.rollout.{module}.time", clock)
