"""What is broken, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hadeploy.drill.scenarios import (
    BY_NAME,
    NAMES,
    SCENARIOS,
    failback_node,
    select_scenarios,
    victim_sets,
    victims_of,
)
from hadeploy.errors import HadeployError
from hadeploy.scripts.compose import load_file
from tests.unit import builders


def test_every_scenario_is_broken_and_mended_by_the_script() -> None:
    functions = set(load_file("drill.sh").functions)
    for scenario in SCENARIOS:
        assert {f"break_{scenario.failure}", f"mend_{scenario.failure}"} <= functions


def test_the_script_breaks_nothing_that_is_no_scenario() -> None:
    functions = load_file("drill.sh").functions
    known = {scenario.failure for scenario in SCENARIOS}
    assert {f.partition("_")[2] for f in functions if f.startswith(("break_", "mend_"))} == known


def test_no_other_module_names_a_scenario() -> None:
    names = re.compile("|".join(rf"[\"'`]{name}[\"'`]" for name in NAMES if "-" in name))
    package = Path(__file__).parents[3] / "hadeploy"
    naming = {file.name for file in package.rglob("*.py") if names.search(file.read_text())}
    assert naming == {"scenarios.py"}


def test_what_concerns_others_must_be_asked_for() -> None:
    with pytest.raises(HadeployError, match="every container") as refused:
        select_scenarios(["docker-restart"], ["--allow-link-down"])
    assert refused.value.hint == "hadeploy drill docker-restart --allow-docker-restart"
    assert len(select_scenarios(NAMES, ["--allow-link-down", "--allow-docker-restart"])) == len(
        NAMES
    )


def test_all_is_every_set_but_the_full_one_the_smallest_first() -> None:
    assert victim_sets(BY_NAME["all"], ["a", "b", "c"]) == [
        ("a",),
        ("b",),
        ("c",),
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    assert victim_sets(BY_NAME["node-pair"], ["a", "b", "c"]) == [()]


def test_a_pair_is_the_holder_and_the_next() -> None:
    assert victims_of(BY_NAME["haproxy-stop"], "b", ["a", "c"]) == ("b",)
    assert victims_of(BY_NAME["node-pair"], "b", ["a", "c"]) == ("b", "a")
    with pytest.raises(HadeployError, match="no healthy node would remain"):
        victims_of(BY_NAME["node-pair"], "b", ["a"])
    with pytest.raises(HadeployError, match="no healthy node would remain"):
        victims_of(BY_NAME["node-pair"], "b", [])
    with pytest.raises(HadeployError, match="no healthy node would remain"):
        victims_of(BY_NAME["haproxy-stop"], "b", [])


@pytest.mark.parametrize(
    ("vrrp", "home"),
    [
        ({}, None),
        ({"preempt": True}, "n2"),
        ({"preempt": True, "on_check_failure": "weight"}, "n2"),
    ],
)
def test_where_the_vip_goes_back_to(vrrp: dict[str, object], home: str | None) -> None:
    # n1 is drained.
    assert failback_node(builders.cluster(vrrp=vrrp), ["n3", "n2"]) == home
