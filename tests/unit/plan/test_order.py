"""Which node goes first."""

from __future__ import annotations

import pytest

from hadeploy.plan.order import rolling_order

PRIORITIES = {"n1": 250, "n2": 240, "n3": 230}


@pytest.mark.parametrize(
    ("holding", "order"),
    [
        pytest.param([], ["n1", "n2", "n3"], id="fresh cluster: the preferred node first"),
        pytest.param(["n1"], ["n2", "n3", "n1"], id="the holder last"),
        pytest.param(["n3"], ["n1", "n2", "n3"], id="the holder, not the preferred, is last"),
        pytest.param(["n2"], ["n1", "n3", "n2"], id="the holder in the middle"),
        pytest.param(["n1", "n3"], ["n2", "n1", "n3"], id="split brain: both holders last"),
    ],
)
def test_backups_first_holder_last(holding: list[str], order: list[str]) -> None:
    assert rolling_order(PRIORITIES, holding) == order


def test_equal_priorities_are_ordered_by_name() -> None:
    assert rolling_order({"b": 100, "a": 100}, []) == ["a", "b"]


@pytest.mark.parametrize(
    ("holding", "new", "ailing", "order"),
    [
        pytest.param(["n1"], [], ["n3"], ["n3", "n2", "n1"], id="mended before others are touched"),
        pytest.param(["n1"], [], ["n1"], ["n2", "n3", "n1"], id="the holder is last all the same"),
        pytest.param(["n2"], ["n1"], ["n1"], ["n3", "n2", "n1"], id="and so is a newcomer"),
        pytest.param([], [], ["n1", "n2", "n3"], ["n1", "n2", "n3"], id="a fresh cluster"),
    ],
)
def test_who_is_missing_already_comes_first(
    holding: list[str], new: list[str], ailing: list[str], order: list[str]
) -> None:
    assert rolling_order(PRIORITIES, holding, new, ailing) == order
