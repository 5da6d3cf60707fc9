from __future__ import annotations

import pytest

from benchmarks.speed.samples import FRESH, HADEPLOY, NOTHING, PYINFRA, SSH, Key, Samples, fitted

NOOP, FLOOR = Key(NOTHING, HADEPLOY), Key(NOTHING, SSH)


def test_a_row_has_the_median_of_its_runs_and_ratios_are_of_medians() -> None:
    reported: list[str] = []
    samples = Samples(tell=reported.append)
    for seconds, cpu in ((3.0, 1.0), (1.0, 5.0), (2.0, 2.0)):
        samples.add(NOTHING, HADEPLOY, seconds, cpu)
    samples.add(NOTHING, SSH, 0.5)
    samples.add(NOTHING, SSH, 1.5)
    assert samples.median(NOOP) == 2.0
    assert samples.cpu(NOOP) == 2.0
    assert samples.ratio(NOOP, FLOOR) == 2.0
    assert samples.cpu(FLOOR) is None
    assert list(samples.runs) == [NOOP, FLOOR]
    assert reported[0] == "hadeploy, nothing to do: 3.00 s"


def test_what_was_not_measured_has_no_ratio_and_no_median() -> None:
    samples = Samples()
    samples.add(NOTHING, HADEPLOY, 1.0)
    assert samples.ratio(NOOP, FLOOR) is None
    assert samples.ratio(FLOOR, NOOP) is None
    with pytest.raises(KeyError):
        samples.median(Key(FRESH, PYINFRA))
    # Asking makes no row.
    assert list(samples.runs) == [NOOP]


def test_the_line_of_least_squares_goes_through_what_is_on_a_line() -> None:
    line = fitted([(0.0, 1.0), (0.05, 1.5), (0.2, 3.0)])
    assert line.base == pytest.approx(1.0)
    assert line.slope == pytest.approx(10.0)
    assert line.r2 == pytest.approx(1.0)


def test_the_line_lies_in_the_middle_of_what_is_not() -> None:
    line = fitted([(0.0, 0.0), (0.0, 2.0), (2.0, 4.0), (2.0, 6.0)])
    assert (line.base, line.slope) == (1.0, 2.0)
    assert line.r2 == pytest.approx(0.8)


def test_a_flat_line_explains_everything() -> None:
    assert fitted([(1.0, 2.0), (3.0, 2.0)]).r2 == 1.0


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)]])
def test_one_place_makes_no_line(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="two different x"):
        fitted(points)
