"""Rounds as lanes: who had what state, and when."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from hadeploy.drill.axis import ticks
from hadeploy.drill.metrics import metrics_of
from hadeploy.drill.round import Event, Kind, Probing, Request, Round
from hadeploy.drill.scenarios import BY_NAME
from hadeploy.drill.timeline import Lane, Timeline, timeline
from tests.unit import builders
from tests.unit.drill.captured_rounds import CLUSTER, NAMES, captured


def drawn(round_: Round) -> Timeline:
    return timeline(round_, metrics_of(round_), CLUSTER)


def lanes(shown: Timeline, title: str) -> dict[str, list[str]]:
    (group,) = (group for group in shown.groups if group.title == title)
    return {lane.name: [span.state for span in lane.spans] for lane in group.lanes}


def lane(shown: Timeline, title: str, name: str) -> Lane:
    (found,) = (
        lane
        for group in shown.groups
        for lane in group.lanes
        if (group.title, lane.name) == (title, name)
    )
    return found


def made(*events: Event, requests: tuple[Request, ...] = ()) -> Round:
    """n1 held the VIP; it was broken at 100."""
    breaking = Event(100.0, "n1", "breaking", "")
    return Round(
        BY_NAME["haproxy-stop"],
        ("n1",),
        "n1",
        (builders.VIP,),
        tuple(sorted([breaking, *events])),
        Probing("here", "http", 10.0) if requests else None,
        requests,
    )


def container(at: float, what: str) -> Event:
    return Event(at, "n1", "container", what)


def test_a_frozen_keepalived() -> None:
    mended = Event(103.0, "n1", "mended", "")
    backup = Event(103.5, "n1", "state", "BACKUP")
    frozen = dataclasses.replace(BY_NAME["haproxy-hang"], freezes="keepalived")
    shown = drawn(dataclasses.replace(made(mended, backup), scenario=frozen))
    assert lanes(shown, "n1")["keepalived"] == ["MASTER", "hung", "MASTER", "BACKUP"]


def test_a_stopped_haproxy() -> None:
    shown = drawn(captured("haproxy-stop"))
    assert lanes(shown, "n1") == {
        "drill": ["broken"],
        "VIP": ["held"],
        "keepalived": ["MASTER", "FAULT", "BACKUP"],
        "haproxy": ["up", "stopping", "down", "up"],
    }
    assert lanes(shown, "n2") == {
        "VIP": ["held"],
        "keepalived": ["BACKUP", "MASTER"],
        "haproxy": ["up"],
    }
    assert lanes(shown, "n3") == {"keepalived": ["BACKUP"], "haproxy": ["up"]}
    assert lanes(shown, "clients") == {"answers": ["answered", "failed", "answered"]}
    assert [moment.what for moment in shown.moments] == [
        "failure",
        "detected",
        "taken over",
        "repaired",
    ]


def test_a_frozen_haproxy_is_hung_until_it_is_mended() -> None:
    shown = drawn(captured("haproxy-hang"))
    up, hung, again = lane(shown, "n2", "haproxy").spans
    assert (up.state, hung.state, again.state) == ("up", "hung", "up")
    assert hung.since == 0.0
    assert hung.until == next(m.at for m in shown.moments if m.what == "repaired")


def test_a_killed_keepalived_leaves_the_vip_behind_until_it_is_back() -> None:
    shown = drawn(captured("keepalived-kill"))
    assert lanes(shown, "n1")["keepalived"] == ["MASTER", "down", "starting", "BACKUP"]
    (left,) = lane(shown, "n1", "VIP").spans
    down = lane(shown, "n1", "keepalived").spans[1]
    assert left.since == shown.start
    assert left.until > down.since


@pytest.mark.parametrize("name", NAMES)
def test_lanes_are_in_order_and_within_the_picture(name: str) -> None:
    shown = drawn(captured(name))
    assert -1 <= shown.start < 0 < shown.end
    for group in shown.groups:
        for lane_ in group.lanes:
            spans = lane_.spans
            assert spans
            assert shown.start <= spans[0].since
            assert spans[-1].until <= shown.end
            assert all(span.since < span.until for span in spans)
            assert all(a.until <= b.since for a, b in itertools.pairwise(spans))


@pytest.mark.parametrize("name", NAMES)
def test_the_drawn_outage_is_the_reported_one(name: str) -> None:
    round_ = captured(name)
    shown = drawn(round_)
    assert shown.outage
    assert shown.outage.until - shown.outage.since == pytest.approx(metrics_of(round_).outage)
    failed = [s for s in lane(shown, "clients", "answers").spans if s.state == "failed"]
    assert any(
        s.since == pytest.approx(shown.outage.since) and s.until >= shown.outage.until - 1e-9
        for s in failed
    )


def test_what_only_took_long_is_late() -> None:
    times = [99.5, 99.6, *(n / 10 for n in range(1010, 1020))]
    round_ = made(requests=tuple(Request(at - 0.05, at) for at in times))
    spans = lane(drawn(round_), "clients", "answers").spans
    assert [span.state for span in spans] == ["answered", "late"]
    assert spans[1].since == pytest.approx(-0.4)


def test_where_all_is_answered_there_is_no_outage() -> None:
    times = [n / 10 for n in range(995, 1020)]
    shown = drawn(made(requests=tuple(Request(at - 0.05, at) for at in times)))
    assert lanes(shown, "clients") == {"answers": ["answered"]}
    assert shown.outage is None


def test_without_probes_there_is_no_lane_of_answers() -> None:
    shown = drawn(made())
    assert [group.title for group in shown.groups] == ["n1", "n2", "n3"]
    assert shown.outage is None


def test_what_has_not_ended_goes_on_to_the_end() -> None:
    shown = drawn(made(container(100.2, "kube-lb-haproxy die")))
    down = lane(shown, "n1", "haproxy").spans[-1]
    assert (down.state, down.until) == ("down", shown.end)
    assert lane(shown, "n1", "drill").spans[-1].until == shown.end


def test_containers_are_known_by_the_names_that_the_inventory_gives() -> None:
    events = (container(100.2, "lb die"), container(100.4, "kube-lb-haproxy die"))
    round_ = made(*events)
    named = builders.cluster(containers={"haproxy": "lb"})
    shown = timeline(round_, metrics_of(round_), named)
    assert [s.state for s in lane(shown, "n1", "haproxy").spans] == ["up", "down"]
    assert lane(shown, "n1", "haproxy").spans[1].since == pytest.approx(0.2)


def test_a_long_silence_after_the_last_event_is_not_drawn() -> None:
    late = Event(160.0, "n2", "log", "Printing VRRP data for process(7) on signal")
    round_ = made(container(101.0, "kube-lb-haproxy start"), late)
    assert drawn(round_).end < 2


def test_the_vip_fails_back() -> None:
    moves = (
        Event(100.2, "n1", "unbound", builders.VIP),
        Event(100.3, "n2", "bound", builders.VIP),
        Event(103.0, "n2", "unbound", builders.VIP),
        Event(103.0, "n1", "bound", builders.VIP),
    )
    shown = drawn(dataclasses.replace(made(*moves), healthy=True))
    first, second = lane(shown, "n1", "VIP").spans
    assert (first.since, first.until) == pytest.approx((shown.start, 0.2))
    assert (second.since, second.until) == pytest.approx((3.0, shown.end))


def keepalived(at: float, kind: Kind, what: str) -> Event:
    return Event(at, "n1", kind, what)


def priorities(*events: Event) -> list[str]:
    round_ = dataclasses.replace(made(*events), priorities=(("n1", 271), ("n2", 261)))
    shown = drawn(round_)
    assert lane(shown, "n2", "keepalived").spans[0].labels == ("BACKUP 261", "BACKUP")
    assert lane(shown, "n3", "keepalived").spans[0].labels == ("BACKUP",)
    return [span.labels[0] for span in lane(shown, "n1", "keepalived").spans]


def test_what_keepalived_competes_with() -> None:
    assert priorities(
        keepalived(100.2, "priority", "271 250"),
        keepalived(103.0, "state", "BACKUP"),
        keepalived(105.0, "priority", "250 271"),
        keepalived(105.5, "state", "MASTER"),
    ) == ["MASTER 271", "MASTER 250", "BACKUP 250", "BACKUP 271", "MASTER 271"]


def test_a_keepalived_that_is_started_anew_has_not_checked_haproxy_yet() -> None:
    assert priorities(
        container(100.1, "kube-lb-keepalived die"),
        container(100.5, "kube-lb-keepalived start"),
        keepalived(100.6, "state", "BACKUP"),
        keepalived(101.0, "priority", "250 271"),
    ) == ["MASTER 271", "down", "starting", "BACKUP 250", "BACKUP 271"]


@pytest.mark.parametrize(
    ("start", "end", "most", "wanted"),
    [
        (-0.5, 5.2, 6, [0, 1, 2, 3, 4, 5]),
        (-0.5, 5.2, 12, [-0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]),
        (-0.25, 0.3, 6, [-0.2, -0.1, 0, 0.1, 0.2, 0.3]),
        (-1, 61, 4, [0, 20, 40, 60]),
        (-1, 5, 1, [0]),
    ],
)
def test_round_numbers(start: float, end: float, most: int, wanted: list[float]) -> None:
    assert ticks(start, end, most) == pytest.approx(wanted)
    assert len(wanted) <= most
