"""A node and a VIP belong to one inventory."""

from __future__ import annotations

import pytest

from hadeploy.fleet.conflicts import find_conflicts
from hadeploy.inventory.load import inventory_from_text

FIRST = "vip: 198.51.100.9\nnodes: [{name: n1, address: 198.51.100.1}, 198.51.100.2]\n"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("vip: 198.51.100.8\nnodes: [198.51.100.3, 198.51.100.4]\n", []),
        (
            "vip: 198.51.100.8\nnodes: [198.51.100.3, 198.51.100.2]\n",
            ["b.yaml:2:23: nodes[1]: 198.51.100.2 is also a node of a.yaml"],
        ),
        (
            "vip: 198.51.100.8\nnodes: [{name: x, address: 198.51.100.1}]\n",
            ["b.yaml:2:9: nodes[0]: x (198.51.100.1) is also a node of a.yaml"],
        ),
        (
            "vip: 198.51.100.9\nnodes: [198.51.100.3]\n",
            ["b.yaml:1:6: vip: 198.51.100.9 is also a VIP of a.yaml"],
        ),
        (
            "vip: [198.51.100.8, 198.51.100.9/24]\nnodes: [198.51.100.3]\n",
            ["b.yaml:1:21: vip[1]: 198.51.100.9 is also a VIP of a.yaml"],
        ),
        (
            "vip: 198.51.100.1\nnodes: [198.51.100.9]\n",
            [
                "b.yaml:1:6: vip: 198.51.100.1 is also a node of a.yaml",
                "b.yaml:2:9: nodes[0]: 198.51.100.9 is also a VIP of a.yaml",
            ],
        ),
        # Another address of the same machine.
        (
            "vip: 198.51.100.8\nnodes: [{address: 198.51.100.3, ssh: {host: 198.51.100.2}}]\n",
            ["b.yaml:2:9: nodes[0]: 198.51.100.3 is also a node of a.yaml"],
        ),
        # Sites that are numbered alike.
        (FIRST + "ssh: {jump: gate}\n", []),
    ],
)
def test_a_conflict_with_an_earlier_inventory_is_reported_at_its_place(
    second: str, said: list[str]
) -> None:
    both = [inventory_from_text(FIRST, "a.yaml"), inventory_from_text(second, "b.yaml")]
    assert sorted(str(problem) for problem in find_conflicts(both)) == said


def test_machines_behind_one_address_are_distinguished_by_their_ports() -> None:
    text = "vip: 198.51.100.{0}9\nnodes: [{{address: 198.51.100.{0}, ssh: {{host: h, port: {0}}}}}]"
    assert find_conflicts([inventory_from_text(text.format(n), f"{n}.yaml") for n in (1, 2)]) == []


def test_behind_the_same_jump_host_sites_are_one_network() -> None:
    behind = FIRST + "ssh: {jump: gate}\n"
    both = [inventory_from_text(behind, name) for name in ("a.yaml", "b.yaml")]
    assert [problem.key for problem in find_conflicts(both)] == ["nodes[0]", "nodes[1]", "vip"]


def test_of_three_the_first_one_is_named() -> None:
    three = [inventory_from_text(FIRST, name) for name in ("a.yaml", "b.yaml", "c.yaml")]
    assert {problem.path for problem in find_conflicts(three)} == {"b.yaml", "c.yaml"}
    assert all("of a.yaml" in problem.message for problem in find_conflicts(three))
