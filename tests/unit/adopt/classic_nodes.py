"""What real nodes said of classic clusters; see tests/lab/classic.py, which set them up."""

from __future__ import annotations

from pathlib import Path

from hadeploy.adopt.recognise import ByHand, recognise
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.parse import parse_observation
from hadeploy.scripts.protocol import Message, Reply, parse_line
from tests.unit import builders

VIP = "198.19.122.100"
PASSWORD = "d0ck#r"


def inventory(**changes: object) -> Cluster:
    """An inventory of the nodes on which the outputs were captured."""
    nodes = [{"name": f"n{i}", "address": f"198.19.122.1{i}"} for i in (1, 2, 3)]
    return builders.cluster(**{"vip": VIP, "nodes": nodes, **changes})


def observed(name: str) -> ObservedNode:
    """A captured observation, by the end of its file's name."""
    return parse_observation(name.rpartition("-")[2], reply(captured(name)))


def captured(name: str) -> str:
    """What was captured, by the end of its file's name."""
    return (Path(__file__).parent / "captured" / f"observation-{name}.txt").read_text()


def reply(text: str) -> Reply:
    """What was captured, as messages."""
    messages: list[Message] = []
    for line in text.split("\n"):
        message = parse_line(line, "tok")
        if message:
            messages.append(message)
        elif messages:
            messages[-1].body.append(line)
    return Reply(tuple(messages), 0)


def by_hand(name: str) -> ByHand:
    """What is recognised there."""
    found = recognise(inventory(), observed(name))
    assert found is not None
    return found
