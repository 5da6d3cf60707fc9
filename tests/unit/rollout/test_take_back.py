"""Whether the VIP may return to a node after a handover that failed."""

from __future__ import annotations

import pytest

from hadeploy.rollout.take_back import may_return
from tests.unit import builders
from tests.unit.nodes import Node

CLUSTER = builders.cluster()
HOME = builders.node("n1", of=CLUSTER)
BY_HAND = HOME.without_container("haproxy").without_container("keepalived")


@pytest.mark.parametrize(
    ("home", "may"),
    [
        pytest.param(HOME, True, id="a healthy backup"),
        pytest.param(HOME.in_state("FAULT"), False, id="its check fails"),
        pytest.param(HOME.with_track("handover").in_state("FAULT"), False, id="kept off"),
        pytest.param(HOME.with_(serving=None), False, id="its check is about to fail"),
        pytest.param(HOME.without_container("keepalived").with_(keepaliveds={}), False, id="none"),
        pytest.param(BY_HAND.with_(keepaliveds={99: "classic"}), True, id="set up by hand"),
        pytest.param(BY_HAND.with_(keepaliveds={}), False, id="set up by hand, and stopped"),
    ],
)
def test_the_vip_may_return_to_a_node_that_takes_part(home: Node, may: bool) -> None:
    assert may_return(CLUSTER, home) is may
