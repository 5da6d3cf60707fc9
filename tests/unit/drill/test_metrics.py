"""Metrics and verdicts, from rounds as they happen."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from hadeploy.drill.metrics import held, longest_gap, metrics_of
from hadeploy.drill.round import Event, Probing, Request, Round
from hadeploy.drill.scenarios import BY_NAME
from hadeploy.drill.text import cells, double_holders, summary
from hadeploy.drill.verdict import problems, result_of
from tests.unit.builders import VIP

PROBING = Probing("here", "http", 10.0)


def asked(*ended: float, failed: Sequence[float] = ()) -> tuple[Request, ...]:
    answered = [Request(at - 0.01, at) for at in ended]
    return tuple(sorted(answered + [Request(at, at + 0.01, "refused") for at in failed]))


def moved() -> Round:
    """haproxy was stopped on n1 at 100.0, and n2 took over at 100.3."""
    return Round(
        BY_NAME["haproxy-stop"],
        ("n1",),
        "n1",
        (VIP,),
        (
            Event(99.0, "n1", "log", "started"),
            Event(100.0, "n1", "breaking", ""),
            Event(100.2, "n1", "check", "failed"),
            Event(100.25, "n1", "unbound", VIP),
            Event(100.3, "n2", "bound", VIP),
            Event(100.31, "n2", "state", "MASTER"),
            Event(105.0, "n1", "mended", ""),
        ),
        PROBING,
        asked(99.9, 100.0, 100.32, 100.4, 100.5, failed=(100.1, 100.2)),
        True,
    )


def with_events(round_: Round, *events: Event) -> Round:
    return dataclasses.replace(round_, events=tuple(sorted(events)))


def test_the_metrics_of_a_handover() -> None:
    seen = metrics_of(moved())
    assert (seen.began, seen.moved, seen.successor) == (100.0, True, "n2")
    assert seen.detected == pytest.approx(0.2)
    assert seen.taken_over == pytest.approx(0.3)
    assert seen.outage == pytest.approx(0.32)
    assert seen.outage_began == pytest.approx(0.0)
    assert (seen.failed, seen.requests) == (2, 7)
    assert (seen.double, seen.failed_back, seen.holders) == (0.0, False, ("n2",))
    assert not problems(moved(), seen, max_outage=0.5)


def test_who_had_the_vip_and_when() -> None:
    assert sorted(held(moved())) == [("n1", 99.0, 100.25), ("n2", 100.3, None)]


def test_an_orphaned_vip_is_on_two_nodes() -> None:
    round_ = with_events(
        moved(),
        Event(99.0, "n1", "log", ""),
        Event(100.0, "n1", "breaking", ""),
        Event(103.0, "n2", "bound", VIP),
        Event(104.0, "n1", "unbound", VIP),
    )
    seen = metrics_of(round_)
    assert seen.double == pytest.approx(1.0)
    assert seen.detected == pytest.approx(3.0)
    assert problems(round_, seen, None) == ["1.00 s with the VIP on two nodes"]
    assert "Two nodes had it for 1.00 s." in summary(result_of(round_, None))
    assert not double_holders([result_of(round_, None)]), "it is reported as a problem"
    killed = result_of(dataclasses.replace(round_, scenario=BY_NAME["keepalived-kill"]), None)
    assert not killed.problems
    assert double_holders([killed]) == ["keepalived-kill on n1: two nodes had the VIP for 1.00 s"]
    assert killed.document()["double"] == pytest.approx(1.0)


def test_a_vip_that_returns_is_reported() -> None:
    back = with_events(
        moved(),
        *moved().events,
        Event(106.0, "n2", "unbound", VIP),
        Event(106.0, "n1", "bound", VIP),
    )
    assert metrics_of(back).failed_back
    assert cells(result_of(back, None))[2] == "n1 → n2 → n1"
    assert "It returned to n1." in summary(result_of(back, None))
    assert cells(result_of(moved(), None))[2] == "n1 → n2"
    assert "returned" not in summary(result_of(moved(), None))


def pair(*events: Event) -> Round:
    """haproxy was stopped on n1 at 100.0, and on n2 a little later."""
    began = (Event(100.0, "n1", "breaking", ""), Event(100.1, "n2", "breaking", ""))
    mending = Event(105.0, "n1", "mending", "")
    round_ = dataclasses.replace(moved(), scenario=BY_NAME["node-pair"], victims=("n1", "n2"))
    return with_events(round_, Event(99.0, "n1", "log", ""), *began, mending, *events)


def test_a_victim_that_holds_the_vip_until_it_fails_is_not_the_successor() -> None:
    round_ = pair(
        Event(100.2, "n1", "unbound", VIP),
        Event(100.25, "n2", "bound", VIP),
        Event(100.4, "n2", "unbound", VIP),
        Event(100.5, "n3", "bound", VIP),
    )
    seen = metrics_of(round_)
    assert seen.successor == "n3"
    assert seen.taken_over == pytest.approx(0.5)
    assert cells(result_of(round_, None))[2] == "n1 → n2 → n3"
    assert not problems(round_, seen, None)


def test_a_vip_on_a_node_that_is_broken_is_a_failure() -> None:
    moves = (Event(100.2, "n1", "unbound", VIP), Event(100.25, "n2", "bound", VIP))
    round_ = pair(*moves)
    assert problems(round_, metrics_of(round_), None) == ["the VIP was on n2 during its failure"]
    # Once it is mended it may have it.
    mended = pair(Event(105.2, "n2", "bound", VIP))
    assert metrics_of(mended).holders_at_repair == ("n1",)
    restarted = dataclasses.replace(round_, scenario=BY_NAME["docker-restart"])
    assert not problems(restarted, metrics_of(restarted), None)


def test_the_document_has_what_happened_in_its_order() -> None:
    events = result_of(moved(), None).document()["events"]
    assert [(event["at"], event["node"], event["kind"], event["what"]) for event in events] == [
        (0.0, "n1", "breaking", ""),
        (0.2, "n1", "check", "failed"),
        (0.25, "n1", "unbound", VIP),
        (0.3, "n2", "bound", VIP),
        (0.31, "n2", "state", "MASTER"),
        (5.0, "n1", "mended", ""),
    ]


def test_what_must_not_be() -> None:
    nobody = with_events(moved(), *(e for e in moved().events if e.kind != "bound"))
    assert "no node took over the VIP" in problems(nobody, metrics_of(nobody), None)
    elsewhere = dataclasses.replace(moved(), victims=("n3",))
    assert "the VIP moved, but its holder had no failure" in problems(
        elsewhere, metrics_of(elsewhere), None
    )
    sick = dataclasses.replace(moved(), healthy=False)
    assert "the cluster did not recover" in problems(sick, metrics_of(sick), None)
    (slow,) = problems(moved(), metrics_of(moved()), 0.3)
    assert "0.32 s without an answer" in slow


def test_an_outage_without_probes_is_not_below_the_limit() -> None:
    unseen = dataclasses.replace(moved(), probing=None, requests=())
    assert metrics_of(unseen).outage is None
    assert not result_of(unseen, None).problems
    assert result_of(unseen, 1.0).problems


@pytest.mark.parametrize(
    ("requests", "gap"),
    [
        (asked(1.0, 1.1, 1.5, 1.6), (0.4, 1.1)),
        # No answers at the beginning, at the end, or in the whole trial.
        (asked(2.0, 2.1, failed=(1.0,)), (1.0, 1.0)),
        (asked(1.0, failed=(3.0,)), (2.0, 1.0)),
        (asked(failed=(1.0, 4.0)), (3.0, 1.0)),
        # One that was asked early was answered late: in between others were answered.
        ((Request(1.0, 1.1), Request(1.2, 5.0), Request(1.3, 1.4)), (3.6, 1.4)),
    ],
)
def test_the_longest_time_without_an_answer(
    requests: tuple[Request, ...], gap: tuple[float, float]
) -> None:
    assert longest_gap(requests) == pytest.approx(gap)
