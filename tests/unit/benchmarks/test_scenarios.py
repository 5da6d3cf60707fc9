from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.scenarios import SCENARIOS, Scenario, chosen
from benchmarks.tools import keepalived_folder
from hadeploy.inventory.load import inventory_from_text

# An edit of an image makes the image.
PURE = [scenario for scenario in SCENARIOS if not scenario.name.endswith("-image")]


def test_a_word_is_a_name_or_a_group() -> None:
    assert [s.name for s in chosen(("priorities",))] == ["priorities"]
    assert [s.name for s in chosen(("cluster-wide",))] == [
        s.name for s in SCENARIOS if s.group == "cluster-wide"
    ]
    assert chosen(()) == list(SCENARIOS)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown nonsense"):
        chosen(("nonsense",))


def test_names_are_unique() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize("scenario", PURE, ids=lambda scenario: scenario.name)
def test_every_edited_inventory_is_valid_and_differs(scenario: Scenario) -> None:
    def inventory() -> dict[str, Any]:
        nodes = [{"address": f"198.18.0.1{i}"} for i in range(1, 4)]
        return {"vip": "198.18.0.100", "nodes": nodes}

    edited = inventory()
    scenario.edit(edited)
    # JSON is YAML.
    inventory_from_text(json.dumps(edited))
    assert (edited != inventory()) == (scenario.commands == (("up",),))


@pytest.mark.parametrize(
    ("image", "folder"),
    [
        ("osixia/keepalived:2.0.19", "/usr/local/etc/keepalived"),
        ("osixia/keepalived:2.2.7", "/usr/local/etc/keepalived"),
        ("osixia/keepalived:2.3.4", "/etc/keepalived"),
    ],
)
def test_where_an_image_has_its_configuration(image: str, folder: str) -> None:
    assert keepalived_folder(image) == folder
