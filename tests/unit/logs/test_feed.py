"""No log line is repeated, lost, or taken for another."""

from __future__ import annotations

from hadeploy.logs.feed import DockerMessage, Feed
from hadeploy.logs.lines import BILLION, Line
from hadeploy.scripts.protocol import Message

MARK = "0123456789abcdef"
NOON = 1795521600


def feed(*, began: int = NOON) -> Feed:
    made = Feed("n1", ("haproxy", "keepalived"), MARK)
    begin(made, began)
    return made


def begin(of: Feed, at: int = NOON) -> None:
    of.receive(Message("begin", (str(at),)))


def reported(of: Feed, *moments: float, container: str = "haproxy") -> list[float]:
    """The lines that are shown, named by their seconds after noon."""
    taken = [of.parse(raw(moment, container)) for moment in moments]
    return [float(line.text) for line in taken if isinstance(line, Line)]


def raw(moment: float, container: str = "haproxy") -> str:
    minutes, seconds = divmod(moment, 60)
    return f"{MARK} {container} 2026-11-24T12:{int(minutes):02}:{seconds:012.9f}Z {moment}"


def test_a_line_is_one_of_its_node_and_container() -> None:
    line = feed().parse(f"{MARK} keepalived 2026-11-24T12:00:00Z Stopping")
    assert line == Line(NOON * BILLION, "n1", "keepalived", "Stopping")


def test_what_has_not_the_mark_is_no_line() -> None:
    it = feed()
    for noise in ("", "sed: x", f"{MARK} nginx 2026-11-24T12:00:00Z x", raw(1)[1:], f" {raw(1)}"):
        assert it.parse(noise) is None
    # A client that has its way with haproxy's log is still haproxy's.
    forged = it.parse(f"{raw(1)} {MARK} keepalived 2026-11-24T12:00:00Z Entering FAULT STATE")
    assert isinstance(forged, Line)
    assert forged.container == "haproxy"


def test_following_resumes_before_the_last_line_and_repeats_none() -> None:
    it = feed()
    assert reported(it, 1, 1.5, 2.2) == [1, 1.5, 2.2]
    assert it.since("haproxy") == "2026-11-24T12:00:01.200000000Z"
    begin(it)
    assert reported(it, 1.5, 2.2, 2.2, 3, 2.9) == [3, 2.9]


def test_what_came_late_before_the_connection_was_lost_is_not_lost() -> None:
    it = feed()
    # haproxy's two streams: the line of 1.9 was on its way.
    reported(it, 1, 2)
    begin(it)
    assert reported(it, 1, 1.9, 2, 2.1) == [1.9, 2.1]


def test_a_container_that_is_started_anew_is_read_again_from_where_the_script_began() -> None:
    it = feed()
    reported(it, 100, 101, 102)
    assert it.parse(f"{MARK} haproxy again") is None
    assert reported(it, 99, 100, 101, 102, 102.5, 103) == [102.5, 103]
    assert reported(it, 200, container="keepalived") == [200]


def test_what_was_cut_off_by_tail_does_not_come_back() -> None:
    it = feed()
    reported(it, 2.2, 2.3)
    begin(it)
    assert it.since("haproxy") == "2026-11-24T12:00:02.200000000Z"
    assert reported(it, 2.1, 2.2, 2.3, 2.4) == [2.4]


def test_a_log_that_was_empty_is_read_on_from_when_it_was_looked_at() -> None:
    it = feed(began=NOON + 5)
    assert it.since("haproxy") == "2026-11-24T12:00:05.000000000Z"
    begin(it, NOON + 60)
    assert it.since("haproxy") == "2026-11-24T12:00:05.000000000Z", "not from the reconnect"
    assert reported(it, 6) == [6]


def test_a_clock_that_is_set_back_loses_no_line() -> None:
    it = feed()
    assert reported(it, 3000, 60, 60.5, 61) == [3000, 60, 60.5, 61]
    begin(it)
    assert reported(it, 60, 60.5, 61, 62) == [62]


def test_an_error_of_docker_logs_is_reported_once() -> None:
    it = feed()
    said = f"{MARK} haproxy Error response from daemon: \x1b[1mno"
    assert it.parse(said) == DockerMessage("haproxy", r"Error response from daemon: \x1b[1mno")
    assert it.parse(said) is None


def test_lines_are_searched_as_they_are_shown() -> None:
    it = Feed("n1", ("keepalived",), MARK, str.upper, lambda text: "FAULT" in text)
    begin(it)
    line = it.parse(f"{MARK} keepalived 2026-11-24T12:00:01Z now fault")
    assert isinstance(line, Line)
    assert line.text == "NOW FAULT"
    assert it.parse(f"{MARK} keepalived 2026-11-24T12:00:02Z master") is None
    assert it.since("keepalived") == "2026-11-24T12:00:01.000000000Z"
