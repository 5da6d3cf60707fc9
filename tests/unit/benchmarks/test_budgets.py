from __future__ import annotations

import pytest

from benchmarks.speed.budgets import BUDGETS, Judged, judged, limit
from benchmarks.speed.samples import (
    ANSIBLE,
    CHANGE,
    FRESH,
    HADEPLOY,
    HELP,
    NOTHING,
    OWN,
    PLAN,
    PYINFRA,
    SSH,
    STATUS,
    VERSION,
    Samples,
)

# Each of them just keeps its budget.
KEPT = {
    (NOTHING, SSH): 1.0,
    (NOTHING, HADEPLOY): 1.5,
    (PLAN, HADEPLOY): 1.5,
    (STATUS, HADEPLOY): 1.5,
    (NOTHING, PYINFRA): 4.5,
    (NOTHING, ANSIBLE): 9.0,
    (CHANGE, HADEPLOY): 2.0,
    (CHANGE, PYINFRA): 2.1,
    (FRESH, HADEPLOY): 4.0,
    (OWN, HADEPLOY): 1.0,
    (FRESH, PYINFRA): 4.1,
    (HELP, HADEPLOY): 0.150,
    (VERSION, HADEPLOY): 0.080,
}


def samples(changed: dict[tuple[str, str], float]) -> Samples:
    made = Samples()
    for (what, tool), seconds in (KEPT | changed).items():
        made.add(what, tool, seconds)
    return made


def missed(changed: dict[tuple[str, str], float]) -> list[str]:
    return [j.words for j in judged(samples(changed)) if not j.kept]


def test_all_budgets_can_be_kept() -> None:
    assert missed({}) == []
    assert len(judged(samples({}))) == len(BUDGETS)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({(NOTHING, HADEPLOY): 1.61}, "`up`, nothing to do: ≤ 1.6 times raw ssh"),
        ({(PLAN, HADEPLOY): 1.51}, "`plan`: ≤ 1.5 times raw ssh"),
        ({(STATUS, HADEPLOY): 1.51}, "`status`: ≤ 1.5 times raw ssh"),
        ({(NOTHING, PYINFRA): 4.4}, "`up`, nothing to do: 3 times faster than pyinfra"),
        ({(NOTHING, ANSIBLE): 8.9}, "`up`, nothing to do: 6 times faster than Ansible"),
        ({(CHANGE, HADEPLOY): 2.1}, "`up`, configuration change: faster than pyinfra"),
        ({(FRESH, HADEPLOY): 4.2}, "`up`, fresh: faster than pyinfra"),
        (
            {(OWN, HADEPLOY): 4.2},
            "`up`, fresh, but for VRRP's own wait: faster than pyinfra, which does not wait for it",
        ),
        ({(HELP, HADEPLOY): 0.151}, "`--help`: < 150 ms"),
        ({(VERSION, HADEPLOY): 0.081}, "`--version`: < 80 ms"),
    ],
)
def test_each_budget_can_be_missed_alone(changed: dict[tuple[str, str], float], words: str) -> None:
    assert words in missed(changed)


def test_what_was_not_measured_is_neither_kept_nor_missed() -> None:
    nothing = judged(Samples())
    assert {judgement.kept for judgement in nothing} == {None}
    assert limit("memory", None, 1.5, "0 MB") == Judged("memory", "", None)


def test_a_limit_is_reported_with_its_figure() -> None:
    assert limit("memory", 1.0, 1.5, "1 MB") == Judged("memory", "1 MB", True)
    assert limit("memory", 1.6, 1.5, "1.6 MB") == Judged("memory", "1.6 MB", False)
