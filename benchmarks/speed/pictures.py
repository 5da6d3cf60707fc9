"""The plots of the results. Pure."""

from __future__ import annotations

from benchmarks.speed.plot import Bar, Panel, bars, lines
from benchmarks.speed.samples import (
    ANSIBLE,
    CHANGE,
    FRESH,
    HADEPLOY,
    NOTHING,
    OWN,
    PLAN,
    PYINFRA,
    SERVED,
    SSH,
    STATUS,
    Key,
    Samples,
)
from benchmarks.speed.scale import Looks, medians

_TOOLS = (SSH, HADEPLOY, PYINFRA, ANSIBLE)


def times_picture(samples: Samples) -> str:
    """The times as bars.

    Args:
        samples: by operation and tool.
    """
    groups = {}
    for what in (NOTHING, PLAN, STATUS, CHANGE, FRESH, SERVED):
        keys = [Key(what, tool) for tool in _TOOLS]
        if drawn := [_bar(samples, key) for key in keys if key in samples]:
            groups[what] = drawn
    note = "median, and from least to most; pale: waiting for VRRP, which no tool can hurry"
    return bars("Three nodes: how long it takes", note, groups)


def _bar(samples: Samples, key: Key) -> Bar:
    seconds = samples.seconds(key)
    own = Key(OWN, key.tool)
    waits = key.what == FRESH and own in samples
    part = max(0.0, samples.median(key) - samples.median(own)) if waits else 0.0
    return Bar(key.tool, samples.median(key), min(seconds), max(seconds), part)


def scale_picture(looks: Looks) -> str:
    """Time and memory by number of nodes, as lines."""
    panels = (
        Panel("seconds", "nodes", medians(looks, lambda look: look.seconds)),
        Panel("megabytes", "nodes", medians(looks, lambda look: look.megabytes)),
    )
    note = "raw ssh runs the same script on the same nodes; memory: the most that hadeploy had"
    return lines("hadeploy status of one cluster with many nodes", note, panels)
