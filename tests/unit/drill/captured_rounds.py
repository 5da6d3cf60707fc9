"""Rounds as they were on a real cluster; the addresses are those of tests/unit/builders.py."""

from __future__ import annotations

import json
from pathlib import Path

from hadeploy.drill.round import Event, Probing, Request, Round
from hadeploy.drill.scenarios import BY_NAME
from tests.unit import builders

CLUSTER = builders.cluster(name="kube-lb")
NAMES = ("haproxy-stop", "haproxy-hang", "keepalived-kill")


def captured(name: str) -> Round:
    """A round of that scenario."""
    path = Path(__file__).parent / "captured" / f"round-{name}.json"
    document = json.loads(path.read_text("utf-8"))
    return Round(
        BY_NAME[document["scenario"]],
        tuple(document["victims"]),
        document["holder"],
        tuple(document["vips"]),
        tuple(Event(*event) for event in document["events"]),
        Probing(*document["probing"]),
        tuple(Request(*request) for request in document["requests"]),
        document["healthy"],
    )
