"""All fields of a proof of keepalived: message, hint, and whether it is only a consequence."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.desired.roles import Role
from hadeploy.errors import HadeployError
from hadeploy.observe.other_clusters import OtherCluster
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.verify.proof import Proof
from hadeploy.verify.proofs import unreachable_proofs
from tests.unit import builders
from tests.unit.verify.changed_node import (
    AGREES,
    LOGS,
    fail,
    look_at,
    proofs,
    vrrp,
)

TRACKED = "its haproxy check fails"
DEAF = (
    "check whether the network or a firewall drops VRRP (IP protocol 112) between the nodes, as "
    "security groups of clouds do by default; switches may drop multicast"
)


@pytest.mark.parametrize(
    ("changes", "message", "brief"),
    [
        ({}, "keepalived is BACKUP and the VIP is not here", "BACKUP"),
        ({"holder": True}, "keepalived is MASTER and the VIP is here", "MASTER, holds the VIP"),
        (
            {"vrrp": vrrp("BACKUP", spoken=RunningInstance({}, master="198.51.100.11"))},
            "keepalived is BACKUP and the VIP is not here",
            "BACKUP",
        ),
        (
            {"vrrp": vrrp("MASTER", spoken=RunningInstance({})), "holder": True},
            "keepalived is MASTER and the VIP is here",
            "MASTER, holds the VIP",
        ),
    ],
)
def test_a_keepalived_that_agrees(changes: dict[str, Any], message: str, brief: str) -> None:
    assert proofs(look_at(**changes), AGREES) == [Proof(AGREES, "pass", message, "n2", brief=brief)]


@pytest.mark.parametrize(
    ("changes", "message", "hint", "brief", "follows"),
    [
        ({"vrrp": None}, "keepalived does not report its state", LOGS, "silent", False),
        (
            {"vrrp": None, "stopped": "keepalived"},
            "keepalived does not report its state",
            LOGS,
            "silent",
            True,
        ),
        (
            {"vrrp": vrrp("FAULT")},
            f"keepalived is in FAULT ({TRACKED})",
            LOGS,
            "FAULT",
            False,
        ),
        (
            {"vrrp": vrrp("FAULT"), "stopped": "haproxy"},
            f"keepalived is in FAULT ({TRACKED})",
            LOGS,
            "FAULT",
            True,
        ),
        (
            {"vrrp": vrrp("FAULT"), "stopped": "haproxy", "holder": True},
            f"keepalived is in FAULT ({TRACKED})",
            LOGS,
            "FAULT, holds the VIP",
            False,
        ),
        (
            {"vrrp": vrrp("BACKUP", spoken=RunningInstance({}))},
            "keepalived is BACKUP and receives no adverts from the holder",
            DEAF,
            "BACKUP",
            False,
        ),
        (
            {"vrrp": vrrp("MASTER", spoken=RunningInstance({}))},
            "keepalived is MASTER and the VIP is not here",
            LOGS,
            "MASTER",
            False,
        ),
    ],
)
def test_a_keepalived_that_does_not_agree(
    changes: dict[str, Any], message: str, hint: str, brief: str, follows: bool
) -> None:
    wanted = fail(AGREES, message, hint, brief=brief, follows=follows)
    assert proofs(look_at(**changes), AGREES) == [wanted]


@pytest.mark.parametrize("holder", [False, True])
@pytest.mark.parametrize("stopped", [None, "haproxy"])
def test_a_drained_node_is_in_fault_and_has_no_vip(holder: bool, stopped: Role | None) -> None:
    look = look_at(vrrp=vrrp("FAULT"), holder=holder, stopped=stopped)
    (proof,) = proofs(look.with_track("drain"), AGREES)
    assert proof.verdict == ("fail" if holder else "pass")
    assert proof.message == "keepalived is in FAULT (drain)"
    assert not proof.follows


def test_one_vip_of_two_here_is_the_masters() -> None:
    both = {"vip": [builders.VIP, "198.51.100.201"]}
    of = builders.cluster(**both)
    config_id = builders.desired(of)["n2"].config_id("keepalived")
    look = look_at(holder=True, vrrp=vrrp("MASTER", config_id))
    (proof,) = proofs(look, AGREES, **both)
    assert proof.message == "keepalived is MASTER and the VIP is here"


RUNS = "check-runs"


@pytest.mark.parametrize(("age", "fits"), [(0, True), (14, True), (15, False)])
def test_a_check_may_be_two_rounds_old_and_two_seconds(age: int, fits: bool) -> None:
    """Every second, with five seconds for each."""
    wanted = (
        Proof(RUNS, "pass", "keepalived checks haproxy", "n2")
        if fits
        else fail(RUNS, f"its last check is {age} s old", LOGS)
    )
    assert proofs(look_at(check_age=age), RUNS) == [wanted]


def test_a_check_that_never_ran() -> None:
    wanted = fail(RUNS, "keepalived never checks haproxy", LOGS)
    assert proofs(look_at(check_age=None), RUNS) == [wanted]
    assert proofs(look_at(check_age=None, vrrp=None), RUNS) == []


ONCE = "vip-claimed-once"


def test_no_other_keepalived() -> None:
    nothing = Proof(ONCE, "pass", "no other keepalived claims the VIP", "n2")
    assert proofs(look_at(), ONCE) == [nothing]
    # The owner of a keepalived is unknown.
    assert proofs(look_at(docker=None), ONCE) == []


def test_another_keepalived_of_which_nothing_is_known() -> None:
    look = look_at()
    look = dataclasses.replace(look, keepaliveds={**look.keepaliveds, 77: ""})
    warned = Proof(
        ONCE,
        "warn",
        "another keepalived runs here with an unknown configuration: the node itself (pid 77)",
        "n2",
        "systemctl disable --now keepalived",
    )
    assert proofs(look, ONCE) == [warned]


@pytest.mark.parametrize(
    ("vips", "router", "root", "verdict", "message"),
    [
        ((), 77, "/x", "pass", "no other keepalived claims the VIP"),
        (
            (builders.VIP,),
            77,
            "/x",
            "fail",
            f"the keepalived of the hadeploy cluster other also claims the VIP {builders.VIP}",
        ),
        (
            (builders.VIP,),
            53,
            "/x",
            "fail",
            f"the keepalived of the hadeploy cluster other also claims the VIP {builders.VIP} and "
            "virtual_router_id 53",
        ),
        (
            (),
            0,
            "",
            "warn",
            "another keepalived runs here with an unknown configuration: "
            "the keepalived of the hadeploy cluster other",
        ),
    ],
)
def test_the_keepalived_of_another_cluster(
    vips: tuple[str, ...], router: int, root: str, verdict: Any, message: str
) -> None:
    look = look_at()
    there = dataclasses.replace(look.containers[1], id="other", cluster="other")
    other = OtherCluster("other", (there,), root, vips, virtual_router_id=router, interface="eth0")
    look = dataclasses.replace(
        look, other_clusters=(other,), keepaliveds={**look.keepaliveds, 77: "other"}
    )
    fix = "change `vip` or `vrrp.virtual_router_id` in one of the two inventories"
    hint = None if verdict == "pass" else fix
    wanted = Proof(ONCE, verdict, message, "n2", hint, lasting=verdict == "fail")
    assert proofs(look, ONCE) == [wanted]


def test_a_listener_without_room_is_among_the_proofs() -> None:
    look = look_at(sessions={"kube-apiserver": 8}, session_limits={"kube-apiserver": 8})
    reported = [p.message for p in proofs(look, "listener-has-room")]
    assert len(reported) == 1
    assert "is full: 8 of 8" in reported[0]


def test_a_node_that_cannot_be_reached() -> None:
    error = HadeployError("no route", operation="connecting", hint="look at it")
    assert unreachable_proofs({"n2": error}) == [
        fail(
            "node-reachable",
            "connecting: no route; its state is unknown; it may hold the VIP",
            "look at it",
        )
    ]
