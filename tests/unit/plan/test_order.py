"""Which node goes first."""

from __future__ import annotations

import pytest

from hadeploy.plan.order import added_nodes, rolling_order
from tests.unit import builders

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


def test_backups_go_by_priority_and_not_by_name() -> None:
    assert rolling_order({"n1": 100, "n2": 150, "n3": 200}, ["n2"]) == ["n3", "n1", "n2"]


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


ADDRESSES = {"n1": "198.51.100.11", "n2": "198.51.100.12", "n3": "198.51.100.13"}


def test_a_node_with_another_address_than_before_is_known_by_the_former_one() -> None:
    observed = builders.healthy(builders.cluster())
    moved = {**ADDRESSES, "n2": "198.51.100.22"}
    assert added_nodes(moved, observed) == []


def test_a_node_that_was_not_observed_is_known_by_the_address_in_the_inventory() -> None:
    observed = builders.healthy(builders.cluster())
    del observed["n2"]
    assert added_nodes(ADDRESSES, observed) == []
    assert added_nodes({**ADDRESSES, "n2": "198.51.100.22"}, observed) == ["n2"]


def test_a_node_is_not_new_because_of_its_own_record() -> None:
    observed = builders.healthy(builders.cluster())
    observed["n3"] = observed["n3"].with_record(members=("198.51.100.99",))
    assert "n3" not in added_nodes(ADDRESSES, observed)


def test_a_node_that_only_some_records_name_is_new() -> None:
    observed = builders.healthy(builders.cluster())
    observed["n1"] = observed["n1"].with_record(members=("198.51.100.11", "198.51.100.12"))
    assert added_nodes(ADDRESSES, observed) == ["n3"]
