"""A machine that is too busy to answer in time is not a dead haproxy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.harness import KEEPALIVED, Cluster, eventually

TRANSITIONS = f"docker logs {KEEPALIVED} 2>&1 | grep -c 'Entering .* STATE'"
CHECKED = f"docker exec {KEEPALIVED} stat -c %Y /tmp/hadeploy-checked"
# The check runs for 20 ms of each 0.4 s or more.
SLOW_DOWN = """
while [ -e /run/busy ]; do
    pkill -STOP -f check-haproxy[.]sh
    sleep 0.4
    pkill -CONT -f check-haproxy[.]sh
    sleep 0.02
done >/dev/null 2>&1 </dev/null &
"""


@contextmanager
def busy(cluster: Cluster, node: str) -> Iterator[None]:
    """The check of this node gets its turns late, as on a machine with many processes."""
    cluster.node(node, f"touch /run/busy; {SLOW_DOWN}")
    try:
        yield
    finally:
        cluster.node(node, "rm /run/busy")


@contextmanager
def frozen(cluster: Cluster, node: str) -> Iterator[None]:
    """haproxy takes connections and does not answer."""
    cluster.node(node, "kill -STOP $(pidof haproxy)")
    try:
        yield
    finally:
        cluster.node(node, "kill -CONT $(pidof haproxy)")


def test_on_a_busy_machine_the_vip_stays_when_haproxy_is_late_and_leaves_when_it_hangs(
    served: Cluster,
) -> None:
    (holder,) = served.holders()
    before = served.node(holder, TRANSITIONS)
    with busy(served, holder):
        with frozen(served, holder):
            time.sleep(1.5)
        now = int(served.node(holder, "date +%s"))
        eventually(lambda: int(served.node(holder, CHECKED)) > now, "the next check has begun")
        assert served.node(holder, TRANSITIONS) == before
        assert served.holders() == [holder]
        with frozen(served, holder):
            eventually(lambda: served.holders() not in ([holder], []), "another node has the VIP")
    eventually(lambda: served.run("verify").code == 0, "all is well again")


@pytest.mark.exhaustive
def test_a_check_with_a_longer_interval_does_not_outlive_its_timeout(served: Cluster) -> None:
    served.inventory["vrrp"] = {"check": {"interval": 4, "timeout": 2}}
    served.up()
    served.ok("verify")
