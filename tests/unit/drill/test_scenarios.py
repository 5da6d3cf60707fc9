"""What is broken, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hadeploy.drill.scenarios import (
    BY_NAME,
    NAMES,
    SCENARIOS,
    chosen,
    home_of,
    sets_of_victims,
    victims_of,
)
from hadeploy.errors import HadeployError
from hadeploy.scripts.compose import load_file
from tests.unit import builders


def test_every_scenario_is_broken_and_mended_by_the_script() -> None:
    functions = set(load_file("drill.sh").functions)
    for scenario in SCENARIOS:
        assert {f"break_{scenario.breaks}", f"mend_{scenario.breaks}"} <= functions


def test_the_script_breaks_nothing_that_is_no_scenario() -> None:
    functions = load_file("drill.sh").functions
    known = {scenario.breaks for scenario in SCENARIOS}
    assert {f.partition("_")[2] for f in functions if f.startswith(("break_", "mend_"))} == known


def test_no_other_module_names_a_scenario() -> None:
    names = re.compile("|".join(rf"[\"'`]{name}[\"'`]" for name in NAMES if "-" in name))
    package = Path(__file__).parents[3] / "hadeploy"
    naming = {file.name for file in package.rglob("*.py") if names.search(file.read_text())}
    assert naming == {"scenarios.py"}


def test_what_concerns_others_must_be_asked_for() -> None:
    with pytest.raises(HadeployError, match="every container") as refused:
        chosen(["docker-restart"], ["--allow-link-down"])
    assert refused.value.hint == "hadeploy drill docker-restart --allow-docker-restart"
    assert len(chosen(NAMES, ["--allow-link-down", "--allow-docker-restart"])) == len(NAMES)


def test_all_is_every_set_but_the_full_one_the_smallest_first() -> None:
    assert sets_of_victims(BY_NAME["all"], ["a", "b", "c"]) == [
        ("a",),
        ("b",),
        ("c",),
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    ]
    assert sets_of_victims(BY_NAME["node-pair"], ["a", "b", "c"]) == [()]


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
    assert home_of(builders.cluster(vrrp=vrrp), ["n3", "n2"]) == home
