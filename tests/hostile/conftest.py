"""A cluster of which one node is hostile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.hostile_node import HostileNode
from tests.lab.conftest import cluster, fresh, lab, served
from tests.lab.harness import Cluster

__all__ = ["cluster", "fresh", "lab", "served"]


@pytest.fixture
def hostile(served: Cluster) -> Iterator[HostileNode]:
    """One that does not have the VIP, honest until it gets orders; all are as before afterwards."""
    (holder,) = served.holders()
    node = [node for node in served.lab.nodes if node != holder][-1]
    # A shell of another node that waits is waited for no longer.
    served.inventory["ssh"]["command_timeout"] = 5
    with HostileNode(served, node).installed() as it:
        yield it
        it.honest()
        served.ok("up", "--yes", "--lock-wait", "130")
