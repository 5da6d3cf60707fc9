"""Healthy, degraded, down or unknown, and why."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.observe.observed_node import BackendServer
from hadeploy.status.judge import judge
from hadeploy.status.snapshot import ClusterSnapshot
from hadeploy.verify.proof import Proof, Verdict, failed
from tests.unit import builders
from tests.unit.status.snapshots import Bend, change, container, drained, file, situation, vip, vrrp

UNREACHED = {(builders.VIP, 9443): Answer("unreached")}
NO_SERVER = tuple(BackendServer("kube-apiserver-backend", f"n{i}", "DOWN") for i in (1, 2, 3))
ONE_SERVER = (*NO_SERVER[:2], BackendServer("kube-apiserver-backend", "n3", "UP 1/2"))
EVERYWHERE = ("n1", "n2", "n3")


def two_listeners() -> list[dict[str, Any]]:
    return [{"name": "a", "port": 9443}, {"name": "b", "port": 8443}]


CASES: list[Any] = [
    pytest.param(situation(), "healthy", [], id="all is well"),
    pytest.param(situation(*drained("n2")), "healthy", [], id="a drained backup is maintenance"),
    pytest.param(
        situation(*drained("n2"), *drained("n3")),
        "degraded",
        [(None, "takeover-possible")],
        id="drained, and nobody is left to take over",
    ),
    pytest.param(
        situation(
            container("n3", "haproxy", status="exited"), change("n3", sockets=(), serving=None)
        ),
        "degraded",
        [
            ("n3", "container-running"),
            ("n3", "port-listens"),
            ("n3", "haproxy-answers"),
            ("n3", "configuration-in-sync"),
        ],
        id="a backup's haproxy is stopped",
    ),
    pytest.param(
        situation(file("n2", "haproxy/haproxy.cfg", "edited\n")),
        "degraded",
        [("n2", "configuration-in-sync")],
        id="a file was edited",
    ),
    pytest.param(
        situation(away=("n3",)), "degraded", [("n3", "node-reachable")], id="a backup is away"
    ),
    pytest.param(
        situation(
            away=("n4",),
            cluster=builders.cluster(),
            nodes=[{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3, 4)],
        ),
        "degraded",
        [("n4", "node-reachable")],
        id="a node that is to join is away",
    ),
    pytest.param(
        situation(vip("n2", here=True)),
        "degraded",
        [("n2", "keepalived-agrees"), (None, "vip-held-once")],
        id="two holders, and both serve",
    ),
    pytest.param(
        situation(away=("n1",)),
        "degraded",
        [(None, "vip-held-once"), ("n1", "node-reachable")],
        id="the holder is away, and the VIP answers",
    ),
    pytest.param(
        situation(change(*EVERYWHERE, vip_answers=UNREACHED), away=("n1",)),
        "down",
        [
            ("n2", "vip-answers-node"),
            ("n3", "vip-answers-node"),
            (None, "vip-held-once"),
            (None, "vip-serves"),
            ("n1", "node-reachable"),
        ],
        id="the holder is away, and the VIP does not answer",
    ),
    pytest.param(
        situation(
            vip("n1", here=False), vrrp("n1", "BACKUP"), change(*EVERYWHERE, vip_answers=UNREACHED)
        ),
        "down",
        [
            ("n1", "vip-answers-node"),
            ("n2", "vip-answers-node"),
            ("n3", "vip-answers-node"),
            (None, "vip-held-once"),
            (None, "vip-serves"),
        ],
        id="no holder",
    ),
    pytest.param(
        situation(change("n1", serving=None)),
        "down",
        [("n1", "haproxy-answers"), (None, "vip-serves"), ("n1", "configuration-in-sync")],
        id="the holder's haproxy is frozen",
    ),
    pytest.param(
        situation(change("n2", "n3", vip_answers=UNREACHED)),
        "down",
        [("n2", "vip-answers-node"), ("n3", "vip-answers-node"), (None, "vip-serves")],
        id="the holder serves only itself",
    ),
    pytest.param(
        situation(change("n2", vip_answers=UNREACHED)),
        "degraded",
        [("n2", "vip-answers-node")],
        id="one node does not reach the VIP",
    ),
    pytest.param(
        situation(away=EVERYWHERE), "unknown", [(n, "node-reachable") for n in EVERYWHERE]
    ),
    pytest.param(
        situation(*(lambda o, n=n: o.update({n: builders.empty(n)}) for n in EVERYWHERE)),
        "down",
        [(None, "vip-serves")],
        id="nothing was applied",
    ),
    pytest.param(
        situation(change(*EVERYWHERE, backends=ONE_SERVER)),
        "healthy",
        [],
        id="one backend is enough",
    ),
    pytest.param(
        situation(change(*EVERYWHERE, backends=NO_SERVER)),
        "degraded",
        [(None, "backends-up")],
        id="no backend is up",
    ),
    pytest.param(
        situation(change("n1", docker=None, containers=(), vrrp=None)),
        "degraded",
        [
            ("n1", "container-running"),
            ("n1", "container-running"),
            ("n1", "port-listens"),
            ("n1", "keepalived-agrees"),
            ("n1", "docker-answers"),
            ("n1", "configuration-in-sync"),
        ],
        id="the holder's engine does not answer, and its haproxy does",
    ),
    pytest.param(
        situation(file("n3", "track/handover", "1\n"), vrrp("n3", "FAULT")),
        "degraded",
        [("n3", "handover-finished")],
        id="a dead run keeps the VIP off a node",
    ),
    pytest.param(
        situation(
            file("n3", "track/handover", "1\n"),
            vrrp("n3", "FAULT"),
            change("n3", lock={"owner": "me"}),
        ),
        "healthy",
        [],
        id="a run that is under way keeps the VIP off a node",
    ),
    # What is in the inventory and was not applied yet is pending, and nothing that is broken.
    pytest.param(
        situation(haproxy={"hard_stop_after": "30m"}), "healthy", [], id="a changed setting"
    ),
    pytest.param(situation(listeners=two_listeners()), "healthy", [], id="a new listener"),
    pytest.param(situation(vip=[builders.VIP, "198.51.100.101"]), "healthy", [], id="a second VIP"),
    pytest.param(
        situation(images={"haproxy": {"reference": "haproxy:3.2.22"}}), "healthy", [], id="an image"
    ),
    pytest.param(
        situation(lambda o: o.update(n3=builders.empty("n3")), change("n1", "n2", applied=None)),
        "down",
        [(None, "vip-serves")],
        id="records are all gone",
    ),
    pytest.param(
        situation(
            cluster=builders.cluster(nodes=[{"name": "n1", "address": "198.51.100.11"}]),
        ),
        "healthy",
        [],
        id="a node alone",
    ),
]


@pytest.mark.parametrize(("seen", "verdict", "failures"), CASES)
def test_verdicts(
    seen: ClusterSnapshot, verdict: str, failures: list[tuple[str | None, str]]
) -> None:
    judged, proofs = judge(seen)
    assert (judged, [(p.node, p.name) for p in failed(proofs)]) == (verdict, failures)


@pytest.mark.parametrize(
    ("answered", "bends", "verdict", "reported"),
    [
        ("fail", (), "degraded", True),
        ("warn", (), "healthy", False),
        ("pass", (), "healthy", True),
        ("fail", (change(*EVERYWHERE, vip_answers=UNREACHED),), "down", False),
    ],
)
def test_what_this_machine_is_answered(
    answered: Verdict, bends: tuple[Bend, ...], verdict: str, reported: bool
) -> None:
    here = Proof("vip-answers-here", answered, "what was seen")
    judged, proofs = judge(dataclasses.replace(situation(*bends), here=[here]))
    assert (judged, here in proofs) == (verdict, reported)


def test_a_new_node_is_pending() -> None:
    seen = situation()
    grown = builders.cluster(
        nodes=[{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3, 4)]
    )
    observed = {**seen.observed, "n4": builders.empty("n4")}
    desired = builders.desired(grown)
    verdict, proofs = judge(
        dataclasses.replace(seen, cluster=grown, desired=desired, observed=observed)
    )
    assert verdict == "healthy", failed(proofs)


def test_pending_is_explained() -> None:
    _, proofs = judge(situation(haproxy={"hard_stop_after": "30m"}))
    reported = [p.message for p in proofs if p.verdict == "warn"]
    assert reported == ["3 steps pending (haproxy/haproxy.cfg: content changes)"] * 3


def test_drift_is_reported_once() -> None:
    """A stopped container is a failed proof already."""
    _, proofs = judge(
        situation(container("n3", "keepalived", status="exited"), change("n3", vrrp=None))
    )
    assert [(p.name, p.follows) for p in failed(proofs)] == [
        ("container-running", False),
        ("keepalived-agrees", True),
        ("configuration-in-sync", True),
    ]


def test_a_record_that_does_not_name_a_configuration_is_no_internal_error() -> None:
    looks = builders.healthy(builders.cluster())
    record = looks["n2"].applied
    assert record
    damaged = dataclasses.replace(record, config_ids={"haproxy": "", "keepalived": ""})
    verdict, _ = judge(situation(change("n2", applied=damaged)))
    assert verdict == "healthy"


def test_a_takeover_by_a_node_that_reaches_fewer_backends_is_a_warning() -> None:
    # n2 has the best priority of the backups; n3, which reaches all, would not be elected.
    some = (
        *NO_SERVER[:1],
        *(BackendServer("kube-apiserver-backend", f"n{i}", "UP") for i in (2, 3)),
    )
    verdict, proofs = judge(situation(change("n2", backends=some)))
    (takeover,) = [proof for proof in proofs if proof.name == "takeover-possible"]
    assert (verdict, takeover.verdict) == ("healthy", "warn")
    assert takeover.message.startswith("n2 would take over the VIP but does not reach backends")
    assert "hadeploy drain n2" in (takeover.hint or "")
