"""All fields of a proof: message, hint, whether it is only a consequence, whether to wait."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.desired.roles import Role
from hadeploy.observe.observed_node import Owner, Socket
from hadeploy.observe.subnets import GIVE_BACK
from hadeploy.verify.proof import Proof
from hadeploy.verify.proofs import unstable
from tests.unit import builders
from tests.unit.nodes import Node
from tests.unit.verify.changed_node import (
    AGREES,
    APPLY,
    LOGS,
    MISSING,
    NOW,
    OTHER_ID,
    OURS,
    fail,
    look_at,
    proofs,
    vrrp,
)


def test_a_container_that_runs() -> None:
    haproxy, keepalived = proofs(look_at(), "container-running")
    assert haproxy == Proof("container-running", "pass", "c-haproxy runs", "n2")
    assert keepalived == Proof("container-running", "pass", "c-keepalived runs", "n2")


@pytest.mark.parametrize(
    ("look", "message", "hint"),
    [
        (
            look_at(containers=look_at().containers[:1]),
            "c-keepalived is missing",
            "`hadeploy up` starts it",
        ),
        (
            look_at().with_container("keepalived", status="exited", exit_code=3),
            "c-keepalived is exited (exit status 3)",
            LOGS,
        ),
        (
            look_at().with_container("keepalived", cluster="other"),
            "c-keepalived does not belong to this cluster",
            LOGS,
        ),
        (
            look_at().with_container("keepalived", cluster="other", status="exited", exit_code=3),
            "c-keepalived is exited (exit status 3)",
            LOGS,
        ),
        (
            look_at(docker=None, containers=()),
            "c-keepalived is unknown: the Docker engine does not answer",
            "start the engine",
        ),
    ],
)
def test_a_container_that_does_not_run(look: Node, message: str, hint: str) -> None:
    *_, keepalived = proofs(look, "container-running")
    assert keepalived == fail("container-running", message, hint)


@pytest.mark.parametrize(
    ("age", "restarts", "steady"),
    [(2, 0, True), (1, 0, False), (10, 1, True), (9, 1, False)],
)
def test_a_container_is_steady_after_two_seconds_and_after_ten_if_it_was_restarted(
    age: int, restarts: int, steady: bool
) -> None:
    look = look_at().with_container("haproxy", started=float(NOW - age), restarts=restarts)
    wanted = None if steady else f"has just started ({restarts} restarts)"
    assert unstable(look.containers[0], NOW) == wanted


PORT = "port-listens"


def test_a_port_that_listens() -> None:
    assert proofs(look_at(), PORT) == [
        Proof(PORT, "pass", "haproxy listens on port 9443", "n2", brief="9443")
    ]


@pytest.mark.parametrize(
    ("changes", "message", "follows"),
    [
        ({"sockets": ()}, "nothing listens on port 9443", False),
        ({"sockets": (), "stopped": "haproxy"}, "nothing listens on port 9443", True),
        (
            {"docker": None},
            "the owner of port 9443 is unknown: the Docker engine does not answer",
            False,
        ),
        (
            {"docker": None, "stopped": "haproxy"},
            "the owner of port 9443 is unknown: the Docker engine does not answer",
            True,
        ),
        (
            {"sockets": (Socket("*", 9443, (Owner("nginx", 7),)),), "stopped": "haproxy"},
            "port 9443 belongs to nginx, not only to haproxy of this cluster",
            False,
        ),
        (
            {
                "sockets": (
                    Socket("*", 9443, (OURS,)),
                    Socket("*", 9443, (Owner("nginx", 7), Owner("caddy", 8))),
                )
            },
            "port 9443 belongs to caddy, nginx, not only to haproxy of this cluster",
            False,
        ),
        (
            {"sockets": (Socket("*", 9443, ()),)},
            "port 9443 belongs to an unknown process, not only to haproxy of this cluster",
            False,
        ),
        (
            {
                "sockets": (
                    Socket("127.0.0.1", 9443, (OURS,)),
                    Socket("198.51.100.12", 9443, (OURS,)),
                )
            },
            "haproxy listens on 127.0.0.1:9443, 198.51.100.12:9443 only, so clients cannot"
            " reach it",
            False,
        ),
    ],
)
def test_a_port_that_clients_do_not_find_haproxy_on(
    changes: dict[str, Any], message: str, follows: bool
) -> None:
    wanted = fail(PORT, message, MISSING, brief="9443", follows=follows)
    assert proofs(look_at(**changes), PORT) == [wanted]


@pytest.mark.parametrize("address", ["*", "0.0.0.0", builders.VIP])
def test_a_port_on_every_address_or_on_the_vip(address: str) -> None:
    look = look_at(sockets=(Socket(address, 9443, (OURS,)),))
    assert proofs(look, PORT) == [
        Proof(PORT, "pass", "haproxy listens on port 9443", "n2", brief="9443")
    ]


@pytest.mark.parametrize(
    ("address", "verdict"), [("*", "pass"), ("::", "pass"), ("0.0.0.0", "fail"), ("::1", "fail")]
)
def test_ipv6_clients_need_an_ipv6_port(address: str, verdict: str) -> None:
    look = look_at(sockets=(Socket(address, 9443, (OURS,)),))
    of = {"vip": "2001:db8::100", "nodes": [{"name": "n2", "address": "2001:db8::12"}]}
    assert [p.verdict for p in proofs(look, PORT, **of)] == [verdict]


ANSWERS = "haproxy-answers"


def applied(config_id: str) -> Any:
    """The record of n2, with that of both programs."""
    record = look_at().applied
    assert record
    return dataclasses.replace(record, config_ids={"haproxy": config_id, "keepalived": config_id})


def test_haproxy_that_answers() -> None:
    assert proofs(look_at(), ANSWERS) == [
        Proof(ANSWERS, "pass", "haproxy runs this configuration", "n2")
    ]


@pytest.mark.parametrize("stopped", [None, "haproxy", "keepalived"])
def test_haproxy_that_does_not_answer(stopped: Role | None) -> None:
    wanted = fail(
        ANSWERS,
        "haproxy does not answer its health check",
        "check whether it is stopped or frozen",
        follows=stopped == "haproxy",
    )
    assert proofs(look_at(serving=None, stopped=stopped), ANSWERS) == [wanted]


@pytest.mark.parametrize(
    ("record", "lasting"),
    [(look_at().applied, False), (applied(OTHER_ID), True), (applied(""), False), (None, False)],
)
def test_another_configuration_stays_where_no_program_has_loaded_it(
    record: Any, lasting: bool
) -> None:
    (haproxy,) = proofs(look_at(serving=OTHER_ID, applied=record), ANSWERS)
    message = "haproxy runs another configuration than the inventory's"
    assert haproxy == fail(ANSWERS, message, APPLY, lasting=lasting)
    (keepalived,) = proofs(look_at(vrrp=vrrp("BACKUP", OTHER_ID), applied=record), AGREES)
    message = "keepalived runs another configuration than the inventory's"
    assert keepalived == fail(
        AGREES, message, APPLY if lasting else LOGS, lasting=lasting, brief="BACKUP"
    )


THROUGH = "vip-answers-node"
TARGET = f"{builders.VIP}:9443"
WHERE = (builders.VIP, 9443)


@pytest.mark.parametrize(
    ("answer", "stopped", "message", "hint", "follows"),
    [
        (None, None, "was not tried: nothing is applied here yet", "hadeploy up", False),
        (None, "haproxy", "was not tried: nothing is applied here yet", "hadeploy up", True),
        (
            "unreached",
            "haproxy",
            "cannot be reached from this node",
            "check whether a firewall drops ARP or the port",
            False,
        ),
        (
            "refused",
            None,
            "refuses connections from this node",
            "check that haproxy listens, and whether a firewall rejects the port",
            False,
        ),
    ],
)
def test_a_vip_that_a_node_does_not_reach(
    answer: str | None, stopped: Role | None, message: str, hint: str, follows: bool
) -> None:
    through = {WHERE: Answer(answer)} if answer else {}
    assert proofs(look_at(vip_answers=through, stopped=stopped), THROUGH) == [
        fail(THROUGH, f"{TARGET} {message}", hint, follows=follows)
    ]


def test_a_vip_that_answers() -> None:
    assert proofs(look_at(), THROUGH) == [Proof(THROUGH, "pass", f"{TARGET} answers TLS", "n2")]


@pytest.mark.parametrize("holder", [False, True])
def test_a_closed_connection_with_backends_that_are_up(holder: bool) -> None:
    (proof,) = proofs(look_at(vip_answers={WHERE: Answer("closed")}, holder=holder), THROUGH)
    assert proof.verdict == "fail"
    assert proof.hint
    assert proof.hint.startswith(
        "check whether haproxy rejects the client, or the backends reject haproxy"
    )
    itself = "; connections of the holder to the VIP have the VIP as source address"
    assert proof.hint.endswith(itself) == holder


def test_a_vip_outside_of_every_subnet_is_not_waited_for() -> None:
    elsewhere = {"vip": "203.0.113.9"}
    (proof,) = proofs(look_at(vip_answers={}), THROUGH, **elsewhere)
    assert proof.hint == "correct `vip`"
    assert proof.lasting
    assert proof.message.startswith("203.0.113.9:9443 was not tried: ")
    # The node had that subnet when the VIP was applied.
    record = look_at().applied
    assert record
    record = dataclasses.replace(record, vips=("203.0.113.9",))
    (proof,) = proofs(look_at(vip_answers={}, applied=record), THROUGH, **elsewhere)
    assert (proof.hint, proof.lasting) == (GIVE_BACK, True)
