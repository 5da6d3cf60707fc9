from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.speed.budgets import Judged
from benchmarks.speed.latency import relayed_config, relayed_known_hosts
from benchmarks.speed.relay import Door
from benchmarks.speed.samples import (
    ANSIBLE,
    CHANGE,
    FRESH,
    HADEPLOY,
    NOTHING,
    PASS,
    PYINFRA,
    PYTHON,
    SSH,
    VERSION,
    Samples,
)
from benchmarks.speed.scale import Look, Looks, judge_scale, medians, scale_table
from benchmarks.speed.tables import budget_table, delays_table, duration, in_short, times_table


def test_each_row_is_compared_with_the_floor_and_with_hadeploy() -> None:
    samples = Samples()
    samples.add(NOTHING, SSH, 0.5, 0.1)
    samples.add(NOTHING, HADEPLOY, 0.6, 0.4)
    samples.add(NOTHING, HADEPLOY, 0.8, 0.4)
    samples.add(NOTHING, PYINFRA, 2.1)
    # A process is compared with a process.
    samples.add(PASS, PYTHON, 0.02)
    samples.add(VERSION, HADEPLOY, 0.06)
    assert times_table(samples)[2:] == [
        "| nothing to do | raw ssh | 1 | 500 ms | 500..500 ms | 1.00 | 0.71 | 100 ms |",
        "| nothing to do | hadeploy | 2 | 700 ms | 600..800 ms | 1.40 | 1.00 | 400 ms |",
        "| nothing to do | pyinfra | 1 | 2.10 s | 2.10..2.10 s | 4.20 | 3.00 |  |",
        "| python -c pass | Python | 1 | 20 ms | 20..20 ms | 1.00 |  |  |",
        "| --version | hadeploy | 1 | 60 ms | 60..60 ms | 3.00 | 1.00 |  |",
    ]


def test_budgets_are_kept_or_missed_and_what_was_not_measured_is_left_out() -> None:
    judgements = [Judged("a", "1", True), Judged("b", "9", False), Judged("c", "", None)]
    assert budget_table(judgements)[2:] == ["| a | 1 | kept |", "| b | 9 | **missed** |"]


def test_round_trips_are_the_slope_over_the_delays() -> None:
    by_delay = {}
    for delay in (0.0, 0.05, 0.2):
        by_delay[delay] = Samples()
        by_delay[delay].add(NOTHING, SSH, 0.5 + 9 * delay)
        if delay:
            by_delay[delay].add(FRESH, HADEPLOY, 1.0)
    assert delays_table(by_delay) == [
        "| what | with | +0 ms | +50 ms | +200 ms | round trips |",
        "|---|---|--:|--:|--:|--:|",
        "| nothing to do | raw ssh | 500 ms | 950 ms | 2.30 s | 9.0 |",
    ]


def test_the_sentence_has_ratios_only_and_is_not_written_of_a_part() -> None:
    samples = Samples()
    samples.add(NOTHING, SSH, 1.0)
    for what in (NOTHING, CHANGE, FRESH):
        for tool, seconds in ((HADEPLOY, 1.5), (PYINFRA, 3.0), (ANSIBLE, 12.0)):
            assert in_short(samples) == ""
            samples.add(what, tool, seconds)
    reported = in_short(samples)
    assert "takes 1.5 times as long as raw `ssh`" in reported
    assert "2.0 times as long as hadeploy" in reported
    assert "Ansible takes 8.0 times, 8.0 times and 8.0 times" in reported


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0499, "50 ms"), (0.9949, "995 ms"), (0.9951, "1.00 s")]
)
def test_a_duration_has_three_figures(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def looks(own: float, raw: float, memory: float) -> Looks:
    made = Looks()
    for nodes in (3, 10, 100):
        for more in (0.0, 0.2):
            made.by[SSH].append(Look(nodes, 0.3 + raw * nodes + more, 0.1))
            made.by[HADEPLOY].append(
                Look(nodes, 0.5 + own * nodes + more, 0.2, 60 + memory * nodes)
            )
    return made


@pytest.mark.parametrize(
    ("own", "raw", "memory", "kept"),
    [(0.10, 0.10, 0.5, [True, True]), (0.13, 0.10, 1.6, [False, False])],
)
def test_growth_is_judged_by_its_slope(
    own: float, raw: float, memory: float, kept: list[bool]
) -> None:
    assert [judgement.kept for judgement in judge_scale(looks(own, raw, memory))] == kept


def test_a_floor_that_does_not_grow_is_no_measure() -> None:
    assert judge_scale(looks(0.1, 0.0, 0.5))[0].kept is not True


def test_growth_as_a_table() -> None:
    made = looks(0.1, 0.1, 0.5)
    lines = scale_table(made)
    assert lines[2].startswith("| 3 | 700 ms | 600..800 ms | 900 ms | 0.80..1.00 s |")
    assert lines[-1].endswith("memory 60.0 MB and 0.50 MB for each node (R² 1.000).")
    assert medians(made, lambda look: look.megabytes) == {
        HADEPLOY: [(3, 61.5), (10, 65.0), (100, 110.0)]
    }


def test_nodes_are_known_by_their_relays() -> None:
    doors = [Door("127.0.0.1", 4001), Door("127.0.0.1", 4002)]
    known = "n1,198.51.100.11 ssh-ed25519 AAAA\nn2,198.51.100.12 ssh-ed25519 BBBB\n"
    assert relayed_known_hosts(known, ("n1", "n2"), doors) == (
        "[127.0.0.1]:4001 ssh-ed25519 AAAA\n[127.0.0.1]:4002 ssh-ed25519 BBBB\n"
    )
    config = relayed_config(("n1", "n2"), doors, Path("/key"), Path("/known"))
    assert "Host n2\n    HostName 127.0.0.1\n    Port 4002\n" in config
    assert "    UserKnownHostsFile /known\n" in config
