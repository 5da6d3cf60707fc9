"""What nodes say while they are collector, captured from a real haproxy-stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadeploy.drill.events import events_of
from tests.unit.builders import VIP

CAPTURED = Path(__file__).parent / "captured"


def reported(node: str) -> list[tuple[str, str]]:
    text = (CAPTURED / f"haproxy-stop-{node}.txt").read_text()
    events = sorted(e for line in text.splitlines() for e in events_of(node, line, {VIP}))
    return [(event.kind, event.what) for event in events if event.kind != "log"]


def test_the_node_where_haproxy_was_stopped() -> None:
    assert reported("n1") == [
        ("container", "kube-lb-haproxy kill"),
        ("container", "kube-lb-haproxy die"),
        ("container", "kube-lb-haproxy stop"),
        ("check", "failed"),
        ("state", "FAULT"),
        ("unbound", VIP),
        ("container", "kube-lb-haproxy start"),
        ("check", "succeeded"),
        ("state", "BACKUP"),
    ]


def test_the_node_that_took_over() -> None:
    assert reported("n2") == [("bound", VIP), ("state", "MASTER")]


def test_times_are_read_to_the_microsecond() -> None:
    line = f"[2026-11-24T02:19:32.165885] 2: eth0    inet {VIP}/32 scope global eth0"
    (event,) = events_of("n2", line, {VIP})
    assert (event.node, event.kind, event.what) == ("n2", "bound", VIP)
    assert event.at == pytest.approx(1795486772.165885, abs=1e-6)
    line = "2026-11-24T02:19:32.098402146Z VRRP_Script(haproxy) failed (exited with status 1)"
    (event,) = events_of("n1", line, {VIP})
    assert (event.node, event.kind, event.what) == ("n1", "check", "failed")
    assert event.at == pytest.approx(1795486772.098402, abs=1e-6)


@pytest.mark.parametrize("timed_out", ["timed_out", "timed out"])
def test_a_check_that_did_not_end_in_time_has_failed(timed_out: str) -> None:
    # vrrp_script_child_thread() of keepalived's vrrp_scheduler.c, and that of 1.x.
    text = f"Wed Nov 25 07:30:01 2026: VRRP_Script(haproxy) {timed_out}"
    (event,) = events_of("n1", f"2026-11-25T07:30:01.098402146Z {text}", {VIP})
    assert (event.kind, event.what, event.log_line) == ("check", "failed", text)


def test_a_change_of_priority_is_reported_with_its_line() -> None:
    text = "Wed Nov 25 03:30:01 2026: (hadeploy) Changing effective priority from 271 to 250"
    (event,) = events_of("n1", f"2026-11-25T03:30:01.098402146Z {text}", {VIP})
    assert (event.kind, event.what, event.log_line) == ("priority", "271 250", text)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "noise",
        f"[2026-11-24T02:19:32.165885] 1: lo    inet {VIP}/32 scope host lo",
        "[2026-11-24T02:19:32.165885] 2: eth0    inet 198.51.100.77/24 scope global eth0",
        "1795486771599159641 exec_create kube-lb-keepalived",
        "error during connect: is the docker daemon running?",
    ],
)
def test_what_does_not_matter_is_no_event(line: str) -> None:
    assert not list(events_of("n1", line, {VIP}))
