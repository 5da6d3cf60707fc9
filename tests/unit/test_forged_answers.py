"""Every answer to a script is a value or an error that names the node."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadeploy.drill.collector import EventCollector
from hadeploy.drill.versions import versions
from hadeploy.errors import HadeployError
from hadeploy.images.load import pull
from hadeploy.observe.gather import observe_node
from hadeploy.plan.steps import Impact, NodePlan, Step
from hadeploy.remote.session import Session
from hadeploy.rollout.apply_node import apply_node, restore_node
from hadeploy.rollout.down import remove
from hadeploy.rollout.lock import Lock, break_lock, held, holders, take
from hadeploy.rollout.node_outcome import NodeFailedError, NodeOutcome
from tests.unit import builders
from tests.unit.examples import examples
from tests.unit.scripted import PROGRESS, ScriptedSession, message

CLUSTER = builders.cluster()
TURN = NodePlan(
    "n3",
    (
        Step("write-file", "haproxy/haproxy.cfg", "it changes", Impact.NONE, role="haproxy"),
        Step("reload-container", "c-haproxy", "it changes", Impact.RELOAD, role="haproxy"),
        Step("handover", "the VIP", "before a restart", Impact.HANDOVER),
        Step("write-record", "applied.json", "it changes", Impact.NONE),
    ),
)


def watch(session: Session) -> None:
    collector = EventCollector(["198.51.100.100"], {})
    session.run("x", operation="watching", on_message=lambda m: collector.receive("n3", m))
    collector.events()
    collector.requests()


def lock(session: Session) -> None:
    with held("up", CLUSTER, {"n3": session}, PROGRESS):
        pass


READERS: dict[str, Callable[[Session], object]] = {
    "turn": lambda s: apply_node("x", TURN, s, PROGRESS),
    "second part of a turn": lambda s: apply_node("x", TURN, s, PROGRESS, begun=True),
    "putting back": lambda s: restore_node("x", s, PROGRESS),
    "removing": lambda s: remove("x", TURN, s, PROGRESS),
    "looking": lambda s: observe_node(s, "x"),
    "versions": lambda s: versions(CLUSTER, {"n3": s}),
    "whose lock": lambda s: holders(CLUSTER, {"n3": s}),
    "unlocking": lambda s: break_lock(CLUSTER, {"n3": s}),
    "taking the lock": lambda s: take(Lock("c", "up"), {"n3": s}),
    "holding the lock": lock,
    "pulling": lambda s: pull(CLUSTER, "haproxy:3.0", None, s, PROGRESS),
    "watching": watch,
}

KINDS = (
    *(
        "step",
        "ok",
        "failed",
        "vip-wait",
        "fingerprint",
        "lost",
        "restored",
        "no-restore",
        "restoring",
    ),
    *(
        "unrestored",
        "lock",
        "locked",
        "fenced",
        "changed",
        "vip-moved",
        "script-running",
        "unwritable",
    ),
    *(
        "clock",
        "event",
        "request",
        "request-kind",
        "breaking",
        "broken",
        "cut-off",
        "mending",
        "mended",
        "begin",
    ),
    *(
        "absent",
        "stopped",
        "running",
        "version",
        "validating",
        "refused",
        "not-started",
        "missing-image",
    ),
    *(
        "removing",
        "releasing",
        "taken",
        "heartbeat",
        "end",
        "file",
        "contents",
        "image",
        "vrrp-listener",
    ),
)
WORDS = (
    *("", "0", "1", "2", "3", "3.backends", "0.takeover", "begin", "-1", "99", "99.x", "x", "1.5"),
    *("nan", "inf", "1e400", "9" * 30, "\u00b2", "\x1b]52;c;aGk=\x07", "haproxy", "keepalived"),
    *("n1", "../x", "[{}]", ":9443@198.51.100.100=tls=http/200", "api-backend/n1", "0" * 16),
    *("[2026-11-28T99:99:99.1.2] 2: eth0 inet 198.51.100.100/32", "2026-11-28T01:61:00Z x"),
)
LINES = (
    *("token=t", "owner=\x1b[2J", "age=x", "left=-", "process=a:b:c:d", "process=::\u00b2:", "x"),
    *("[{}]", "{", "api-backend/n1 down", "now=x", "\x00", "a" * 3000, ""),
)
said = st.lists(
    st.one_of(
        st.builds(
            lambda kind, words: message(kind, *words),
            st.sampled_from(KINDS),
            st.lists(st.sampled_from(WORDS), max_size=3),
        ),
        st.sampled_from(LINES).map(lambda line: f"{line}\n"),
    ),
    max_size=8,
).map("".join)


@pytest.mark.parametrize("reader", READERS)
@examples(20)
@given(answer=said, ends=st.booleans())
def test_any_answer_is_a_value_or_an_error_that_names_the_node(
    reader: str, answer: str, ends: bool
) -> None:
    session = ScriptedSession(answer + (message("end") if ends else ""))
    said_of_it = ""
    try:
        READERS[reader](session)
    except HadeployError as error:
        said_of_it = str(error)
    assert not said_of_it or "n3" in said_of_it


@pytest.mark.parametrize(
    "answer",
    [
        message("step"),
        message("step", "0") + message("failed"),
        message("step", "0") + message("failed", "99"),
        message("step", "99"),
        message("step", "-1"),
        message("vip-wait") + message("fingerprint", "ab"),
        message("vip-wait", "x") + message("fingerprint", "ab"),
        message("vip-wait", "9" * 400) + message("fingerprint", "ab"),
        message("fingerprint"),
        message("fingerprint", "$(reboot)"),
        message("step", "0") + message("ok", "0"),
        "",
    ],
)
def test_a_damaged_answer_leaves_the_state_of_the_node_unknown(answer: str) -> None:
    with pytest.raises(
        HadeployError, match="n3: applying: cannot parse the node's answer"
    ) as raised:
        apply_node("x", TURN, ScriptedSession(answer + message("end")), PROGRESS)
    assert not isinstance(raised.value, NodeFailedError)
    assert raised.value.hint


def test_a_failed_step_is_reported_with_its_output() -> None:
    answer = message("step", "1") + "Loading failure!\n" + message("failed", "1")
    answer += message("restoring") + message("restored") + message("end")
    with pytest.raises(NodeFailedError, match="failed while reloading c-haproxy") as raised:
        apply_node("x", TURN, ScriptedSession(answer), PROGRESS)
    assert raised.value.detail == "Loading failure!"
    assert raised.value.outcome is NodeOutcome.RESTORED


def test_a_damaged_lock_is_reported_without_its_garbage() -> None:
    answer = message("lock") + "owner=ann\nage=x\nleft=1;reboot\npurpose=\x1b[2J\n" + message("end")
    reported, errors = holders(CLUSTER, {"n3": ScriptedSession(answer)})
    assert errors == []
    assert reported == {
        "n3": "ann for `\\x1b[2J`, ? s ago; expires in ? s unless it is renewed",
    }
