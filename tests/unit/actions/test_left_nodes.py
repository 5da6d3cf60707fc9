"""What `down` reports about unreachable nodes."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from hadeploy.actions.down import LeftOutNodes
from hadeploy.desired.containers import removal_command
from hadeploy.errors import NodesError
from hadeploy.observe.segment import Segment
from tests.unit import builders
from tests.unit.nodes import Node

N3 = "198.51.100.13"


def smaller() -> dict[str, Node]:
    """n1 and n2, whose records name n3 too; the segment was asked."""
    looks = builders.healthy(builders.cluster())
    quiet = Segment("eth0", 0.4)
    return {n: dataclasses.replace(looks[n], segment=quiet) for n in ("n1", "n2")}


def left(*forget: str, looks: dict[str, Node] | None = None) -> LeftOutNodes:
    nodes = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2)]
    return LeftOutNodes(builders.cluster(nodes=nodes), looks or smaller(), forget, ())


def test_a_node_that_only_the_records_name_is_not_forgotten_unseen() -> None:
    with pytest.raises(NodesError) as raised:
        left().refuse_unexpected()
    (error,) = raised.value.errors
    assert error.message == f"{N3} was a node of this cluster and is not in the inventory"
    assert f"hadeploy down --forget {N3}" in (error.hint or "")


def test_a_node_declared_as_gone_is_a_warning() -> None:
    found = left(N3)
    found.refuse_unexpected()
    assert found.names == (N3,)
    assert f"{N3} is not removed" in found.warnings()[0]
    assert builders.VIP in found.warnings()[0]


def test_what_sends_adverts_is_not_gone() -> None:
    looks = smaller()
    loud = Segment("eth0", 0.4, adverts={N3: 230})
    looks["n1"] = dataclasses.replace(looks["n1"], segment=loud)
    with pytest.raises(NodesError, match="cannot be forgotten"):
        left(N3, looks=looks).refuse_unexpected()


def test_a_node_that_cannot_be_reached_is_warned_of() -> None:
    cluster = builders.cluster()
    found = LeftOutNodes(cluster, builders.healthy(cluster), (), ("n3",))
    found.refuse_unexpected()
    assert found.names == ("n3",)


def test_the_advice_stops_keepalived_first_and_kills_nothing() -> None:
    found = left(N3)
    command = removal_command(builders.cluster())
    assert command == (
        "docker stop -t 35 c-keepalived; docker stop -t 35 c-haproxy; "
        "docker rm c-keepalived c-haproxy"
    )
    assert f"run there: `{command}`" in found.warnings()[0]


def test_nothing_advises_to_remove_running_containers() -> None:
    top = Path(__file__).parents[3]
    reported = [*(top / "hadeploy").rglob("*.py"), *(top / "docs").glob("*.md"), top / "README.md"]
    killing = re.compile(r"docker rm (-f|--force) [^`(]*keepalived")
    assert [path.name for path in reported if killing.search(path.read_text())] == []
