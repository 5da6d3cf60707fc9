"""Nodes that a rollout runs its scripts on, without SSH: the seam is `Session.run`.

A fake node does what a script asks for in a few words (which configuration it has, whether it is
kept off the VIP), checks the lock and the fingerprint as shell/lock.sh does, and answers in the
messages of the scripts. A `Fault` makes one script or one step of it end otherwise.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.remote.script_errors import lost
from hadeploy.remote.session import Session
from hadeploy.scripts.forms import check_form
from hadeploy.scripts.protocol import Message, Reply
from tests.unit.nodes import Node
from tests.unit.rollout.fake_scripts import LOOKS, RESTORES, Fault, Script, function_of

# The functions of the scripts by which a program gets the new configuration.
_CHANGES = ("swap", "recreate", "signal", "start")
# What happens to a script that takes the lock before it has it.
BEFORE_THE_LOCK = ("cut-off", "nothing", "unwritable")


class EndedError(Exception):
    """The script has ended before its last line."""


@dataclass(frozen=True)
class Look(Reply):
    """The answer to a look."""

    observed: Node | None = None


@dataclass
class FakeNode:
    """One node.

    Attributes:
        looks: what is observed there, by what it has: "old", "new".
        has: "old", "new", or "half" of the change.
        kept_off: whether a run keeps the VIP off it.
        lock: the token of the run that has the lock.
        generation: the number of its state, for the fingerprint.
        never_applied: whether it has no former state to go back to.
    """

    label: str
    looks: Mapping[str, Node]
    has: str = "old"
    kept_off: bool = False
    lock: str = ""
    generation: int = 0
    never_applied: bool = False

    @property
    def fingerprint(self) -> str:
        return f"{self.generation:016x}"

    def observed(self, *, holds: bool) -> Node:
        """What a look finds."""
        look = self.looks["old" if self.has == "old" else "new"]
        look = look.with_vip() if holds else look.without_vip()
        look = look.with_(fingerprint=self.fingerprint)
        return look.with_track("handover").in_state("FAULT") if self.kept_off else look


@dataclass
class FakeCluster:
    """Its nodes, the VIP, what they were sent, and what goes wrong.

    Attributes:
        priorities: by node label; the highest wins an election.
        holder: the node that has the VIP.
        sent: each script but the looks, as `NODE SCRIPT`, in the order in which they began.
        on_script: called with this cluster, the node and the name of each script before it runs.
    """

    nodes: dict[str, FakeNode]
    priorities: Mapping[str, int]
    holder: str | None
    faults: list[Fault] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    on_script: Callable[[FakeCluster, str, str], None] = lambda *_: None

    @property
    def sessions(self) -> dict[str, Session]:
        """To all nodes."""
        return {label: FakeSession(label, self) for label in self.nodes}

    def observed(self) -> dict[str, Node]:
        """All nodes as they are now."""
        return {n: one.observed(holds=n == self.holder) for n, one in self.nodes.items()}

    def elect(self) -> None:
        """Who is kept off gives the VIP up; the best of the others takes it (no preemption)."""
        if self.holder is None or self.nodes[self.holder].kept_off:
            able = [n for n, one in self.nodes.items() if not one.kept_off]
            self.holder = max(able, key=lambda n: self.priorities[n], default=None)

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
        job = Script(script)
        if job.name not in LOOKS:
            cluster.sent.append(f"{self.node} {job.name}")
        cluster.on_script(cluster, self.node, job.name)
        return Run(cluster, self.node, job, operation, hearing.get("on_message")).reply()


class Run:
    """One script on one node."""

    def __init__(
        self,
        cluster: FakeCluster,
        node: str,
        script: Script,
        operation: str,
        on_message: Callable[[Message], None] | None,
    ) -> None:
        self.cluster, self.here, self.script = cluster, cluster.nodes[node], script
        self.operation, self.on_message = operation, on_message
        self.messages: list[Message] = []
        self.cut = False
        # How many messages arrive, if not all.
        self.mute: int | None = None
        self.restored = "restored"

    def reply(self) -> Reply:
        """What the script says.

        Raises:
            PermanentError: the connection is cut off.
        """
        observed = None
        fault = self.cluster.fault(self.here.label, self.script.name)
        self.mute = 0 if fault and fault.how == "nothing" else None
        try:
            if fault and self.script.name == "stage" and fault.how not in BEFORE_THE_LOCK:
                self.do_lock_take()
            self.interfere(fault)
            if self.script.name in LOOKS:
                observed = self.here.observed(holds=self.cluster.holder == self.here.label)
                self.here.lock = "" if self.script.name == "settle" else self.here.lock
            else:
                self.execute()
        except EndedError:
            pass
        if self.cut:
            raise lost(self.here.label, self.operation, ConnectionError("closed by the node"))
        return Look(tuple(self.messages), 0, observed)

    def interfere(self, fault: Fault | None) -> None:
        if fault is None or fault.fails or fault.how == "nothing":
            return
        if fault.how == "nonsense":
            self.mute = len(self.messages) + 1
            return
        if fault.how == "ctrl-c":
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        elif fault.how.startswith("cut-off"):
            self.cut = True
            if fault.how == "cut-off":
                raise EndedError
        else:
            if fault.how == "fenced":
                self.here.lock = ""
            self.say(fault.how, *(["haproxy", "1"] if fault.how == "refused" else []))
            raise EndedError

    def say(self, kind: str, *words: str, body: Iterable[str] = ()) -> None:
        """A message; one that no script says is an error of the test."""
        check_form(kind, words)
        if self.mute is not None and len(self.messages) >= self.mute:
            return
        message = Message(kind, words, list(body))
        self.messages.append(message)
        if self.on_message and not self.cut:
            self.on_message(message)

    def execute(self) -> None:
        for line in self.script.lines:
            name, words = line[0].replace("-", "_"), line[1:]
            if name == "step":
                self.step(line)
            elif name in RESTORES:
                self.restore(name)
            elif method := getattr(self, f"do_{name}", None):
                method(*words)

    def do_lock_take(self) -> None:
        if self.here.lock not in ("", self.script.given["HD_LOCK"]):
            told = (f"token={self.here.lock}", "owner=them@there", "purpose=up", "age=7", "left=90")
            self.say("lock", body=told)
            self.say("locked")
            raise EndedError
        self.here.lock = self.script.given["HD_LOCK"]
        self.say("taken")

    def do_lock_keep(self) -> None:
        if self.here.lock != self.script.given["HD_LOCK"]:
            self.say("fenced")
            raise EndedError

    do_working = do_lock_keep

    def do_lock_release(self) -> None:
        if self.here.lock == self.script.given["HD_LOCK"]:
            self.here.lock = ""

    def do_still_as(self, fingerprint: str) -> None:
        if fingerprint != self.here.fingerprint:
            self.say("changed")
            raise EndedError

    def do_still_elsewhere(self, *_: str) -> None:
        if self.cluster.holder == self.here.label:
            self.say("moved")
            raise EndedError

    def do_begin(self) -> None:
        self.say("step", "begin")

    def do_validate(self, role: str, *_: str) -> None:
        self.say("validating", role)

    def do_emit(self, kind: str, *_: str) -> None:
        if kind != "fingerprint":
            return
        if "begin" in [line[0] for line in self.script.lines]:
            self.here.has = "half" if ["guard"] in self.script.lines else "new"
        self.here.generation += 1
        self.say("fingerprint", self.here.fingerprint)

    def step(self, line: list[str]) -> None:
        number, function = line[1], function_of(line)
        self.say("step", number)
        fault = self.cluster.fault(self.here.label, function)
        if function == "hand_over":
            # It fails only when the VIP has moved.
            self.keep_off(True)
        if fault and fault.fails:
            self.fail(number, fault)
        self.interfere(fault)
        if function in _CHANGES:
            self.here.has = "half"
        if function in ("hold", "finish_handover"):
            self.keep_off(function == "hold")
        self.say("ok", number)

    def fail(self, number: str, fault: Fault) -> None:
        if fault.lost:
            self.say("lost", fault.lost, body=[f"{fault.lost} down 198.51.100.12:6443 L4CON"])
        self.say("failed", number)
        self.restored = fault.restored
        self.restore(self.script.given["HD_OTHERWISE"])
        raise EndedError

    def keep_off(self, off: bool) -> None:
        self.here.kept_off = off
        self.cluster.elect()

    def restore(self, how: str) -> None:
        self.here.generation += 1
        fault = self.cluster.fault(self.here.label, "restoring")
        ends = fault.restored if fault else self.restored
        if how == "leave_it" or self.here.never_applied:
            self.here.has = "half"
            self.say("kept")
        elif how == "keep_off":
            self.keep_off(True)
            self.say("kept-off")
        else:
            self.say("restoring")
            self.say(ends)
            self.here.has = "half" if ends == "unrestored" else "old"
            if ends != "unrestored":
                self.keep_off(ends == "restored-off")
