"""Priorities are distinct and in order, and the weight makes a healthy node win, always."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import check_weight, priorities
from hadeploy.inventory.rules import broken_rules
from tests.unit.examples import examples


def cluster(given: list[int | None], mode: str = "fault", weight: int | None = None) -> Cluster:
    nodes: list[dict[str, Any]] = [
        {"address": f"198.18.0.{i}", "priority": p} for i, p in enumerate(given, 1)
    ]
    vrrp = {"on_check_failure": mode, "preempt": mode == "weight", "weight": weight}
    return Cluster.model_validate({"vip": "198.18.1.1", "nodes": nodes, "vrrp": vrrp})


@pytest.mark.parametrize(
    ("given", "mode", "expected"),
    [
        ([None], "fault", [250]),
        ([None] * 3, "fault", [250, 240, 230]),
        ([None] * 3, "weight", [100, 90, 80]),
        ([None] * 11, "weight", [100, 91, 82, 73, 64, 55, 46, 37, 28, 19, 10]),
        ([None, 250, None], "fault", [249, 250, 230]),
        ([None, None, 250], "fault", [249, 240, 250]),
        ([10, None, 240], "fault", [10, 239, 240]),
        ([100, 90, 80], "weight", [100, 90, 80]),
        ([None, 1, 2], "weight", [100, 1, 2]),
        # The steps become smaller where ten would not do.
        ([None] * 25, "fault", [*range(250, 9, -10)]),
        ([None] * 26, "fault", [*range(250, 24, -9)]),
        ([None] * 84, "fault", [*range(250, 0, -3)]),
        # One that finds no room below takes what is free above, beginning nearby.
        ([1, *[None] * 98, None], "weight", [1, *range(99, 1, -1), 100]),
        ([1, *[None] * 97, 200, None], "weight", [1, *range(99, 2, -1), 200, 2]),
        ([*range(1, 254), None], "weight", [*range(1, 254), 254]),
    ],
)
def test_defaults_go_by_position_and_around_what_is_taken(
    given: list[int | None], mode: str, expected: list[int]
) -> None:
    assert list(priorities(cluster(given, mode)).values()) == expected


@pytest.mark.parametrize("mode", ["fault", "weight"])
@pytest.mark.parametrize("count", [1, 2, 3, 20, 26, 100, 127, 254])
def test_any_number_of_nodes_gets_distinct_descending_priorities(count: int, mode: str) -> None:
    values = list(priorities(cluster([None] * count, mode)).values())
    assert len(values) == count
    assert values == sorted(set(values), reverse=True)
    assert 1 <= values[-1] <= values[0] <= 254


@pytest.mark.parametrize(
    ("given", "weight", "expected"),
    [
        ([None] * 3, None, 21),
        ([100, 90, 90], None, 11),
        ([100], None, 1),
        ([None] * 3, 40, 40),
    ],
)
def test_the_weight_is_computed_or_configured(
    given: list[int | None], weight: int | None, expected: int
) -> None:
    assert check_weight(cluster(given, "weight", weight)) == expected


def test_a_weight_may_add_up_to_254_and_no_further() -> None:
    assert broken_rules(cluster([233, 213], "weight", 21)) == []
    ((_, message),) = broken_rules(cluster([234, 214], "weight", 21))
    assert "254" in message


@pytest.mark.parametrize("count", range(1, 101, 9))
def test_the_computed_weight_fits_the_default_priorities(count: int) -> None:
    assert broken_rules(cluster([None] * count, "weight")) == []


@examples(25)
@given(
    st.lists(st.none() | st.integers(1, 254), min_size=1, max_size=60).filter(
        lambda ps: len({p for p in ps if p}) == sum(p is not None for p in ps)
    ),
    st.sampled_from(["fault", "weight"]),
)
def test_explicit_and_default_priorities_never_collide(given: list[int | None], mode: str) -> None:
    values = list(priorities(cluster(given, mode)).values())
    assert len(set(values)) == len(values)
    assert all(1 <= v <= 254 for v in values)
    assert all(p is None or p == v for p, v in zip(given, values, strict=True))


@examples(25)
@given(
    st.lists(st.integers(1, 254), min_size=1, max_size=5, unique=True),
    st.none() | st.integers(1, 253),
)
def test_every_accepted_weight_puts_the_vip_on_a_healthy_node(
    given: list[int], weight: int | None
) -> None:
    """And what they refuse has a set of failures that puts it on a dead one, or is over 254."""
    made = cluster(list(given), "weight", weight)
    added = check_weight(made)
    right = True
    for healthy in product((True, False), repeat=len(given)):
        if any(healthy):
            reached = [p + added * ok for p, ok in zip(given, healthy, strict=True)]
            # Equal priorities: the holder may keep the VIP.
            best = [ok for r, ok in zip(reached, healthy, strict=True) if r == max(reached)]
            right = right and all(best)
    fits = max(given) + added <= 254
    assert (broken_rules(made) == []) == (right and fits)
