"""A run that dies at any moment leaves a cluster that serves, and the next one finishes it."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable

import pytest

from hadeploy.lab.images.store import ensure_image
from tests.lab.faults_document import record_interrupted
from tests.lab.faulty import CONTINUED
from tests.lab.harness import Cluster, eventually
from tests.lab.traffic import probing

LOCKS = "ls /run/hadeploy/*.lock 2>/dev/null"
turn = itertools.count()


def new_config(cluster: Cluster) -> None:
    """A change that is a reload."""
    cluster.inventory["haproxy"] = {"hard_stop_after": f"{30 + next(turn)}s"}


def new_image(cluster: Cluster) -> None:
    """A change that is a new container, and a handover."""
    newer = cluster.inventory["images"]["haproxy"]["reference"] != "haproxy:3.0.11"
    reference = "haproxy:3.0.11" if newer else "haproxy:2.6.12"
    archive = str(ensure_image(reference))
    cluster.inventory["images"]["haproxy"] = {"reference": reference, "archive": archive}


def new_router(cluster: Cluster) -> None:
    """A change of all nodes together."""
    cluster.inventory["vrrp"] = {"virtual_router_id": 100 + next(turn) % 100}


CHANGES: dict[str, Callable[[Cluster], None]] = {
    "config": new_config,
    "image": new_image,
    "router": new_router,
}

# As docs/faults.md calls them.
IN_WORDS = {
    "config": "a reload",
    "image": "new containers, a handover",
    "router": "all nodes together",
}
KINDS = {
    "kill": "SIGKILL",
    "cut": "all connections cut",
    "interrupt": "Ctrl-C",
    "interrupt-twice": "Ctrl-C twice",
    "hangup": "terminal closed (SIGHUP)",
    "pipe": "reader of its output ended",
    "stop": "stopped for 3 s (SIGSTOP)",
}

# One of each kind of moment; `make test-all` takes them all. {0} and {1} are the backups, in the
# order in which they change.
MOMENTS = {
    ("config", "kill"): ["checking the haproxy", "reloading"],
    ("config", "cut"): ["reloading"],
    ("config", "hangup"): ["reloading"],
    ("image", "kill"): ["{0} recreating", "handing over"],
    ("image", "interrupt"): ["handing over"],
    ("image", "interrupt-twice"): ["handing over"],
    ("image", "pipe"): ["{0} recreating"],
    ("router", "kill"): ["{0} holding", "pinning"],
    ("router", "cut"): ["{1} proving"],
}


def locks(cluster: Cluster) -> list[str]:
    """The nodes that are locked."""
    return [node for node in cluster.lab.nodes if cluster.node(node, LOCKS, check=False)]


def named(cluster: Cluster, moment: str) -> str:
    """A moment with the names of the nodes."""
    (holder,) = cluster.holders()
    return moment.format(*(node for node in cluster.lab.nodes if node != holder))


def survives(cluster: Cluster, change: str, kind: str, moment: str | int) -> int | None:
    """The exit code if the accident happened; the cluster serves meanwhile, and `up` converges."""
    CHANGES[change](cluster)
    with probing(cluster) as probe:
        result = cluster.accident(kind, moment, "up")
        if kind in ("interrupt", "hangup", "pipe"):
            # A script that was at work gives the lock back when it has ended.
            eventually(lambda: not locks(cluster), f"the lock is released: {result.err}", 30)
        else:
            assert cluster.request(), f"the VIP serves after the accident: {result.err}"
        cluster.ok("up", "--lock-wait", "60")
    assert probe.failed == [], f"at {moment}: {result.err}"
    assert cluster.up()["changes"] == 0
    codes = {"kill": [-signal.SIGKILL], "cut": [1, 3], "pipe": [1, 130], "stop": []}.get(
        kind, [130]
    )
    assert result.code in [0, *codes], result.err
    return result.code if result.code != 0 or CONTINUED in result.err else None


@pytest.mark.parametrize(("change", "kind"), MOMENTS)
def test_a_change_survives_an_accident(served: Cluster, change: str, kind: str) -> None:
    for moment in MOMENTS[change, kind]:
        survives(served, change, kind, named(served, moment))


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_survives_an_accident_at_every_moment(
    served: Cluster, change: str, kind: str
) -> None:
    # After the last changes there are moments that nothing can go wrong in any more.
    ended: list[int | None] = []
    while ended[-5:] != [None] * 5:
        ended.append(survives(served, change, kind, len(ended) + 1))
    assert len(ended) > 15
    codes = [code for code in ended if code is not None]
    record_interrupted(IN_WORDS[change], KINDS[kind], codes)


@pytest.mark.exhaustive
def test_two_interrupts_stop_waiting_for_the_current_node(served: Cluster) -> None:
    for moment in ("{0} recreating", "handing over"):
        new_image(served)
        with probing(served) as probe:
            assert served.accident("interrupt-twice", named(served, moment), "up").code == 130
            served.ok("up", "--lock-wait", "60")
        assert probe.failed == []
        assert served.up()["changes"] == 0


@pytest.mark.parametrize(
    "moment", ["pinning", pytest.param("unpinning", marks=pytest.mark.exhaustive)]
)
def test_a_holder_that_is_lost_while_all_change_does_not_become_one_of_two(
    served: Cluster, moment: str
) -> None:
    (holder,) = served.holders()
    new_router(served)
    with probing(served) as probe:
        cut = f"cut:{served.lab.address(holder)}"
        result = served.accident(cut, moment, "up", "--json")
        assert result.code == 1
        left = result.document["nodes"]
        assert left.pop(holder) == "unknown"
        assert set(left.values()) == {"held"}
        eventually(lambda: served.holders() == [holder], "the holder finished by itself")
        served.ok("up", "--lock-wait", "60")
    assert probe.failed == []
    assert served.holders() == [holder]
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
def test_five_kills_in_a_row_are_survived(served: Cluster) -> None:
    new_image(served)
    new_config(served)
    with probing(served) as probe:
        for moment in (
            "Validate",
            "checking the haproxy",
            "{0} recreating",
            "{1} proving",
            "handing",
        ):
            killed = served.accident("kill", named(served, moment), "up")
            assert killed.code in (0, -signal.SIGKILL), killed.err
            assert served.request()
        served.ok("up", "--lock-wait", "60")
    assert probe.failed == []
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
def test_an_interrupt_while_the_last_node_changes_is_one_all_the_same(served: Cluster) -> None:
    (holder,) = served.holders()
    new_config(served)
    result = served.accident("interrupt", f"{holder} recording", "up", "--json")
    assert result.code == 130
    assert set(result.document["nodes"].values()) == {"new"}
    assert locks(served) == []
    assert served.up()["changes"] == 0


def test_a_down_that_was_interrupted_finishes_what_is_in_hand(served: Cluster) -> None:
    (holder,) = served.holders()
    first = next(node for node in served.lab.nodes if node != holder)
    result = served.accident("interrupt", f"{first} removing", "down", "--yes")
    assert result.code == 130
    assert "`hadeploy down` continues from here" in result.err
    assert locks(served) == []
    left = served.files_left()
    assert list(left) == [holder], f"{left}\n{result.err}"
    assert served.request(), "the holder serves on"
    served.ok("down", "--yes")
    assert served.holders() == []


@pytest.mark.parametrize(
    "moment", ["n1 proving", pytest.param("checking the haproxy", marks=pytest.mark.exhaustive)]
)
def test_a_first_up_that_was_killed_is_finished_by_the_next(fresh: Cluster, moment: str) -> None:
    assert fresh.accident("kill", moment, "up").code == -signal.SIGKILL
    fresh.ok("up", "--lock-wait", "60")
    assert fresh.up()["changes"] == 0


@pytest.mark.parametrize(
    ("kind", "moment"),
    [("cut", "removing"), pytest.param("kill", "Lock", marks=pytest.mark.exhaustive)],
)
def test_a_down_that_was_killed_is_finished_by_the_next(
    served: Cluster, kind: str, moment: str
) -> None:
    assert served.accident(kind, moment, "down", "--yes").code != 0
    served.ok("down", "--yes", "--lock-wait", "60")
    assert served.files_left() == {}
    assert served.holders() == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", ["kill", "cut", "interrupt"])
@pytest.mark.parametrize("command", ["up", "down"])
def test_a_bring_up_and_a_teardown_survive_an_accident_at_every_moment(
    cluster: Cluster, command: str, kind: str
) -> None:
    quiet = 0
    for moment in itertools.count(1):
        first, last = ("down", "up") if command == "up" else ("up", "down")
        yes = {"up": (), "down": ("--yes",)}
        cluster.ok(first, *yes[first])
        happened = cluster.accident(kind, moment, last, *yes[last]).code != 0
        cluster.ok(last, *yes[last], "--lock-wait", "60")
        quiet = 0 if happened else quiet + 1
        if quiet == 5:
            break
    assert moment > 10
