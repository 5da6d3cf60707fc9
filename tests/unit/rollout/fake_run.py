"""One script on one fake node: its messages, and the state of the node afterwards."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from hadeploy.remote.script_errors import lost
from hadeploy.scripts.forms import check_form
from hadeploy.scripts.kinds import Kind
from hadeploy.scripts.protocol import Message, Reply
from tests.unit.nodes import Node
from tests.unit.rollout.fake_scripts import LOOKS, RESTORES, Fault, Script, function_of

if TYPE_CHECKING:
    from tests.unit.rollout.fake_nodes import FakeCluster

# The functions of the scripts by which a program gets the new configuration.
_CHANGES = ("swap", "recreate", "signal", "start")
# Those after which it has read it.
_READS = ("recreate", "signal", "start")
# What happens to a script that takes the lock before it has it.
BEFORE_THE_LOCK = ("cut-off", "nothing", "unwritable")


class EndedError(Exception):
    """The script has ended before its last line."""


@dataclass(frozen=True)
class Look(Reply):
    """The answer to a look."""

    observed: Node | None = None


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
            self.say(cast("Kind", fault.how), *(["haproxy", "1"] if fault.how == "refused" else []))
            raise EndedError

    def say(self, kind: Kind, *words: str, body: Iterable[str] = ()) -> None:
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
            self.do_lock_report()
            self.say("locked")
            raise EndedError
        self.here.lock = self.script.given["HD_LOCK"]
        self.say("taken")

    def do_lock_report(self) -> None:
        if self.here.lock:
            reported = {"token": self.here.lock, "owner": "them@there", "purpose": "up", "age": "7"}
            reported |= {"left": "90", "process": self.cluster.other_process}
            self.say("lock", body=[f"{name}={value}" for name, value in reported.items()])

    def do_lock_inherit(self, token: str) -> None:
        self.here.lock = "" if self.here.lock == token else self.here.lock
        self.do_lock_take()

    def do_lock_keep(self) -> None:
        if self.here.lock != self.script.given["HD_LOCK"]:
            self.say("fenced")
            raise EndedError

    do_begin_change = do_lock_keep

    def do_lock_release(self) -> None:
        if self.here.lock == self.script.given["HD_LOCK"]:
            self.here.lock = ""

    def do_require_fingerprint(self, fingerprint: str) -> None:
        if fingerprint != self.here.fingerprint:
            self.say("changed")
            raise EndedError

    def do_require_vip_elsewhere(self, *_: str) -> None:
        if self.cluster.holder == self.here.label:
            self.say("vip-moved")
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
            self.here.speaks = "new"
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
        if function in _READS:
            self.here.speaks = "new"
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
        if how == "no_restore" or self.here.never_applied:
            self.here.has = "half"
            self.say("no-restore")
        elif how == "keep_off":
            self.keep_off(True)
            self.say("kept-off")
        else:
            self.say("restoring")
            self.say(cast("Kind", ends))
            self.here.has = "half" if ends == "unrestored" else "old"
            self.here.speaks = self.here.speaks if ends == "unrestored" else "old"
            if ends != "unrestored":
                self.keep_off(ends == "restored-off")
