from __future__ import annotations

import pytest

from benchmarks.figures import LongLived, Measurement, Observed, Request, Row, longest_gap


@pytest.mark.parametrize(
    ("answers", "first", "last", "expected"),
    [
        ([1.0, 1.25, 3.25, 3.5], 0.75, 3.5, (2.0, 1.25)),
        # A slow request that is answered after later ones hides nothing and adds nothing.
        ([3.0, 1.0, 2.0], 0.5, 3.0, (1.0, 2.0)),
        ([], 1.0, 6.0, (5.0, 1.0)),
        ([4.0, 4.5], 1.0, 4.5, (3.0, 1.0)),
        ([1.0, 1.5], 1.0, 9.0, (7.5, 1.5)),
        ([1.0, 2.0], 1.0, 1.5, (1.0, 1.0)),
    ],
    ids=["between", "out of order", "none", "before the first", "after the last", "late answer"],
)
def test_the_longest_gap(
    answers: list[float], first: float, last: float, expected: tuple[float, float]
) -> None:
    assert longest_gap(answers, first, last) == expected


def measurement(
    *requests: Request, long_lived: tuple[LongLived, ...] = (), trouble: str = ""
) -> Measurement:
    everything = requests or (Request(0.0, 0.0, 0.01),)
    stopped = max(request.due for request in everything)
    return Measurement(Observed(everything, long_lived, stopped), 0.0, 2.0, trouble)


def test_a_request_is_answered_or_slow_or_failed() -> None:
    made = measurement(
        Request(0.0, 0.0, 0.5),
        Request(0.5, 0.5, 1.75),
        Request(1.0, 1.25, 6.0, "timed out"),
    )
    assert [request.due for request in made.slow] == [0.5]
    assert [request.due for request in made.failed] == [1.0]
    assert made.late == 0.25
    assert (made.gap, made.gap_began) == (1.25, 0.5)


def test_slow_is_counted_from_when_it_was_due() -> None:
    assert measurement(Request(0.0, 0.75, 1.25)).slow


def test_failures_are_reported_by_kind_with_their_times() -> None:
    made = measurement(
        *(Request(when, when, when, "ECONNREFUSED") for when in (1.0, 1.5, 3.0)),
        Request(2.0, 2.0, 7.0, "timed out"),
        long_lived=(LongLived("stream"), LongLived("stream", "closed", 1.5)),
        trouble="exit code 1: error",
    )
    assert made.troubles() == [
        "exit code 1: error",
        "3 requests: ECONNREFUSED (1.0 to 3.0 s)",
        "1 request: timed out (2.0 s)",
        "1 long-lived connection: closed (1.5 s)",
    ]


def test_a_row_adds_up_and_takes_the_worst_gap_and_the_median_time() -> None:
    broken = (LongLived("stream", "closed", 1.0), LongLived("stream"))
    one = measurement(Request(0.0, 0.0, 0.25), Request(1.0, 1.0, 1.25), long_lived=broken)
    other = measurement(Request(0.0, 0.0, 0.25, "timed out"), Request(4.0, 4.0, 4.5))
    row = Row("a change", "a tool", False, (one, other))
    assert (row.requests, row.failed, row.slow, row.cut, row.long_lived) == (4, 1, 0, 1, 2)
    assert (row.gap, row.took) == (4.5, 2.0)


@pytest.mark.parametrize("reload", [True, False])
def test_a_reload_may_cut_nothing_and_pause_for_no_longer_than_the_bar(reload: bool) -> None:
    cut = (LongLived("stream", "closed", 1.0),)
    made = measurement(Request(0.0, 0.0, 0.25), Request(1.0, 1.0, 1.25), long_lived=cut)
    missed = Row("a change", "a tool", reload, (made,)).missed(0.5)
    expected = ["1 long-lived connections broke", "1000 ms without an answer"]
    assert missed == (expected if reload else [])


def test_a_failed_request_misses_the_bar_of_every_change() -> None:
    made = measurement(Request(0.0, 0.0, 0.25, "timed out"), trouble="exit code 1")
    assert Row("a change", "a tool", False, (made,)).missed(0.5) == [
        "exit code 1 (round 1)",
        "1 requests failed",
    ]
