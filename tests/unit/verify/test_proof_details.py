"""All of a proof: what is told, what to do, whether it is only a consequence, whether to wait."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.check.network import GIVE_BACK
from hadeploy.errors import HadeployError
from hadeploy.observe.model import ObservedNode, Owner, Socket, VrrpState
from hadeploy.observe.vrrp import Spoken
from hadeploy.verify.model import Proof
from hadeploy.verify.proofs import prove, unreachable_proofs, unstable
from tests.unit import builders

NOW = builders.NOW
LOGS = "docker logs --tail 30 c-keepalived"
APPLY = "`hadeploy plan` shows the difference, `hadeploy up` applies it"
MISSING = "`hadeploy plan` shows what is missing there"
OURS = Owner("haproxy", 1, "c-haproxy")
ID = builders.desired(builders.cluster())["n2"].config_id("keepalived")
OTHER_ID = "0" * 16


def vrrp(state: str, config_id: str = ID, spoken: Spoken | None = None) -> VrrpState:
    return dataclasses.replace(VrrpState(state, 240, 240, config_id), spoken=spoken)


def look_at(*, holder: bool = False, stopped: str = "", **changes: Any) -> ObservedNode:
    """n2, with these changes; `stopped` is the role of a container that does not run."""
    look = builders.healthy(builders.cluster(), holder="n2" if holder else "n1")["n2"]
    containers = tuple(
        dataclasses.replace(c, status="exited") if c.role == stopped else c for c in look.containers
    )
    return dataclasses.replace(look, **{"containers": containers, **changes})


def proofs(look: ObservedNode, name: str, **cluster: Any) -> list[Proof]:
    """What is proven of n2, alone, under that name."""
    of = builders.cluster(**cluster)
    return [p for p in prove(of, builders.desired(of), {"n2": look}) if p.name == name]


def fail(name: str, message: str, hint: str | None, **more: Any) -> Proof:
    return Proof(name, "fail", message, "n2", hint, **more)


def container(index: int, **changes: Any) -> ObservedNode:
    """n2 with another container of that number."""
    look = look_at()
    containers = list(look.containers)
    containers[index] = dataclasses.replace(containers[index], **changes)
    return dataclasses.replace(look, containers=tuple(containers))


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
            container(1, status="exited", exit_code=3),
            "c-keepalived is exited (exit status 3)",
            LOGS,
        ),
        (container(1, cluster="other"), "c-keepalived is not ours", LOGS),
        (
            container(1, cluster="other", status="exited", exit_code=3),
            "c-keepalived is exited (exit status 3)",
            LOGS,
        ),
        (
            look_at(docker=None, containers=()),
            "c-keepalived cannot be seen: the Docker engine does not answer",
            "start the engine",
        ),
    ],
)
def test_a_container_that_does_not_run(look: ObservedNode, message: str, hint: str) -> None:
    *_, keepalived = proofs(look, "container-running")
    assert keepalived == fail("container-running", message, hint)


@pytest.mark.parametrize(
    ("age", "restarts", "steady"),
    [(2, 0, True), (1, 0, False), (10, 1, True), (9, 1, False)],
)
def test_a_container_is_steady_after_two_seconds_and_after_ten_if_it_was_restarted(
    age: int, restarts: int, steady: bool
) -> None:
    found = container(0, started=float(NOW - age), restarts=restarts).containers[0]
    wanted = None if steady else f"was started only just now ({restarts} restarts)"
    assert unstable(found, NOW) == wanted


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
            "the engine does not tell whose port 9443 is",
            False,
        ),
        (
            {"docker": None, "stopped": "haproxy"},
            "the engine does not tell whose port 9443 is",
            True,
        ),
        (
            {"sockets": (Socket("*", 9443, (Owner("nginx", 7),)),), "stopped": "haproxy"},
            "port 9443 belongs to nginx, not to our haproxy alone",
            False,
        ),
        (
            {
                "sockets": (
                    Socket("*", 9443, (OURS,)),
                    Socket("*", 9443, (Owner("nginx", 7), Owner("caddy", 8))),
                )
            },
            "port 9443 belongs to caddy, nginx, not to our haproxy alone",
            False,
        ),
        (
            {"sockets": (Socket("*", 9443, ()),)},
            "port 9443 belongs to a process that the node does not name, not to our haproxy alone",
            False,
        ),
        (
            {
                "sockets": (
                    Socket("127.0.0.1", 9443, (OURS,)),
                    Socket("198.51.100.12", 9443, (OURS,)),
                )
            },
            "haproxy listens on 127.0.0.1:9443, 198.51.100.12:9443 only, so clients do not "
            "reach it",
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
    assert [p.verdict for p in proofs(look, PORT)] == ["pass"]


ANSWERS = "haproxy-answers"


def applied(config_id: str) -> Any:
    """The record of n2, with that of both programs."""
    record = look_at().applied
    assert record
    return dataclasses.replace(record, config_ids={"haproxy": config_id, "keepalived": config_id})


def test_haproxy_that_answers() -> None:
    assert proofs(look_at(), ANSWERS) == [
        Proof(ANSWERS, "pass", "haproxy serves this configuration", "n2")
    ]


@pytest.mark.parametrize("stopped", ["", "haproxy", "keepalived"])
def test_haproxy_that_does_not_answer(stopped: str) -> None:
    wanted = fail(
        ANSWERS,
        "haproxy does not answer its health check",
        "is it stopped, or frozen?",
        follows=stopped == "haproxy",
    )
    assert proofs(look_at(serving=None, stopped=stopped), ANSWERS) == [wanted]


@pytest.mark.parametrize(
    ("record", "lasting"),
    [(look_at().applied, False), (applied(OTHER_ID), True), (applied(""), False), (None, False)],
)
def test_another_configuration_lasts_where_no_program_was_told_of_it(
    record: Any, lasting: bool
) -> None:
    (haproxy,) = proofs(look_at(serving=OTHER_ID, applied=record), ANSWERS)
    message = "haproxy serves another configuration than the inventory's"
    assert haproxy == fail(ANSWERS, message, APPLY, lasting=lasting)
    (keepalived,) = proofs(look_at(vrrp=vrrp("BACKUP", OTHER_ID), applied=record), AGREES)
    message = "keepalived runs another configuration than the inventory's"
    assert keepalived == fail(
        AGREES, message, APPLY if lasting else LOGS, lasting=lasting, brief="BACKUP"
    )


AGREES = "keepalived-agrees"
TRACKED = "its haproxy check fails"
DEAF = (
    "does the network, or a firewall, drop VRRP (IP protocol 112) between the nodes? a cloud's "
    "security groups do by default, and switches may drop multicast"
)


@pytest.mark.parametrize(
    ("changes", "message", "brief"),
    [
        ({}, "keepalived is BACKUP and the VIP is not here", "BACKUP"),
        ({"holder": True}, "keepalived is MASTER and the VIP is here", "MASTER, holds the VIP"),
        (
            {"vrrp": vrrp("BACKUP", spoken=Spoken({}, master="198.51.100.11"))},
            "keepalived is BACKUP and the VIP is not here",
            "BACKUP",
        ),
        (
            {"vrrp": vrrp("MASTER", spoken=Spoken({})), "holder": True},
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
        ({"vrrp": None}, "keepalived does not tell its state", LOGS, "silent", False),
        (
            {"vrrp": None, "stopped": "keepalived"},
            "keepalived does not tell its state",
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
            {"vrrp": vrrp("BACKUP", spoken=Spoken({}))},
            "keepalived is BACKUP and has heard no advert of the VIP's holder",
            DEAF,
            "BACKUP",
            False,
        ),
        (
            {"vrrp": vrrp("MASTER", spoken=Spoken({}))},
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
@pytest.mark.parametrize("stopped", ["", "haproxy"])
def test_a_drained_node_is_in_fault_and_has_no_vip(holder: bool, stopped: str) -> None:
    look = look_at(vrrp=vrrp("FAULT"), holder=holder, stopped=stopped)
    files = tuple(
        dataclasses.replace(f, content=b"1\n") if f.path == "track/drain" else f for f in look.files
    )
    (proof,) = proofs(dataclasses.replace(look, files=files), AGREES)
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


THROUGH = "vip-answers-node"
TARGET = f"{builders.VIP}:9443"
WHERE = (builders.VIP, 9443)


@pytest.mark.parametrize(
    ("answer", "stopped", "message", "hint", "follows"),
    [
        (None, "", "was not tried: nothing was applied here yet", "hadeploy up", False),
        (None, "haproxy", "was not tried: nothing was applied here yet", "hadeploy up", True),
        (
            "unreached",
            "haproxy",
            "cannot be reached from here",
            "does something drop ARP, or the port, between the nodes?",
            False,
        ),
        (
            "refused",
            "",
            "refuses connections from here",
            "does haproxy listen there? does a firewall reject the port?",
            False,
        ),
    ],
)
def test_a_vip_that_a_node_does_not_reach(
    answer: str | None, stopped: str, message: str, hint: str, follows: bool
) -> None:
    through = {WHERE: Answer(answer)} if answer else {}
    assert proofs(look_at(through=through, stopped=stopped), THROUGH) == [
        fail(THROUGH, f"{TARGET} {message}", hint, follows=follows)
    ]


def test_a_vip_that_answers() -> None:
    assert proofs(look_at(), THROUGH) == [Proof(THROUGH, "pass", f"{TARGET} answers TLS", "n2")]


@pytest.mark.parametrize("holder", [False, True])
def test_a_closed_connection_with_backends_that_are_up(holder: bool) -> None:
    (proof,) = proofs(look_at(through={WHERE: Answer("closed")}, holder=holder), THROUGH)
    assert proof.verdict == "fail"
    assert proof.hint
    assert proof.hint.startswith("does haproxy reject it, or the backends what haproxy sends them?")
    itself = "; what the VIP's holder asks comes from the VIP itself"
    assert proof.hint.endswith(itself) == holder


def test_a_vip_outside_of_every_subnet_is_not_waited_for() -> None:
    elsewhere = {"vip": "203.0.113.9"}
    (proof,) = proofs(look_at(through={}), THROUGH, **elsewhere)
    assert proof.hint == "correct `vip`"
    assert proof.lasting
    assert proof.message.startswith("203.0.113.9:9443 was not tried: ")
    # The node had that subnet when the VIP was applied.
    record = look_at().applied
    assert record
    record = dataclasses.replace(record, vips=("203.0.113.9",))
    (proof,) = proofs(look_at(through={}, applied=record), THROUGH, **elsewhere)
    assert (proof.hint, proof.lasting) == (GIVE_BACK, True)


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
    # Nobody can tell whose a keepalived is.
    assert proofs(look_at(docker=None), ONCE) == []


def test_another_keepalived_of_which_nothing_is_known() -> None:
    look = look_at()
    look = dataclasses.replace(look, keepaliveds={**look.keepaliveds, 77: ""})
    warned = Proof(
        ONCE,
        "warn",
        "another keepalived runs here, and what it claims is not known: the node itself (pid 77)",
        "n2",
        "systemctl disable --now keepalived",
    )
    assert proofs(look, ONCE) == [warned]


def test_a_node_that_cannot_be_reached() -> None:
    error = HadeployError("no route", doing="connecting", hint="look at it")
    assert unreachable_proofs({"n2": error}) == [
        fail(
            "node-reachable",
            "connecting: no route; nothing is known of it, and it may hold the VIP, too",
            "look at it",
        )
    ]
