"""Each cause is recognised from what a real cluster said, and nothing is from a healthy one."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from hadeploy.diagnose.all_causes import CAUSES, IDS
from hadeploy.diagnose.catalogue import documentation
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.diagnose.evaluate import diagnose
from hadeploy.errors import HadeployError
from hadeploy.observe.observed_node import BackendServer, VrrpState
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.verify.proofs import prove
from tests.unit.diagnose.contexts import CAPTURED, context

DOCS = Path(__file__).parents[3] / "docs" / "diagnosis.md"
PACKAGE = Path(__file__).parents[3] / "hadeploy" / "diagnose"
ALL = ("n1", "n2", "n3")

# n1 held the VIP: sabotage → the reported causes, the message, and a part of the evidence.
SCENES = {
    "vrrp-blocked": ("vrrp-blocked", ("n2",), "n2: iptables drops IP protocol 112 from n1"),
    "vrrp-blocked-leaving": ("vrrp-blocked", ALL, "n2: iptables drops IP protocol 112 to n1, n3"),
    "vrrp-blocked-nftables": ("vrrp-blocked", ("n2",), "nftables .inet f output. has a rule that"),
    "vrrp-blocked-outside": ("vrrp-blocked", ALL, r"n2: MASTER; in 3 s it sent . adverts"),
    "vrrp-refused": ("vrrp-refused", ("n2",), "n2: refused 4 adverts"),
    "virtual-router-id": ("vrrp-settings-differ", ("n2",), "n2: 77"),
    "advert-interval": ("vrrp-settings-differ", ("n2",), "n2: 2 sec"),
    "multicast": ("vrrp-settings-differ", ("n2",), "n2: multicast"),
    "password": (
        "vrrp-password-differs",
        ("n2",),
        "n2: keepalived.conf has another value than on n1",
    ),
    "peers": ("vrrp-peers", ALL, "n1: none to n2; its unicast_peer: 198.19.29.13"),
    "orphan": ("orphaned-vip", ("n1",), "kube-lb-keepalived is exited .exit status 137"),
    "stray": ("stray-vip", ("n2",), "n2: keepalived is BACKUP"),
    "container-missing": ("container-missing", ("n2",), "n2: no container of that name"),
    "haproxy-stopped": ("container-stopped", ALL, "n3: exit status 0 at 2026-"),
    "drained": ("drained", ALL, "n3: its track file drain is not 0"),
    "restarting": ("container-restarting", ("n2",), "n2: 4 restarts"),
    "haproxy-refuses": ("config-refused", ("n2",), r"parsing .*haproxy.cfg:21.*got 'queu'"),
    "keepalived-refuses": ("config-refused", ("n2",), "Line 36.*'530' outside range"),
    "port-taken": ("port-taken", ("n2",), r"n2: python3 \(pid \d+\)"),
    "haproxy-frozen": ("program-silent", ("n2",), r"SIGSTOP.*19443 still listens"),
    "keepalived-frozen": ("program-silent", ("n2",), "SIGSTOP"),
    "keepalived-paused": ("program-silent", ("n2",), "Docker reports it as paused"),
    "port-dropped": ("port-dropped", ("n1",), "n2, n3: cannot reach 198.19.29.100"),
    "vip-unheard": ("vip-unheard", ("n2",), "n2: cannot open a connection to 198.19.29.100"),
    "check-insecure": ("check-not-run", ("n2",), "Disabling track script haproxy due to insecure"),
    "backends-down": ("backends-down", (), r"n1, n2, n3: .*/n3 \(L4CON, Connection refused\)"),
}


def changed(before: DiagnosisContext, node: str, **changes: Any) -> DiagnosisContext:
    """The scene, where one node looks otherwise."""
    looks = dict(before.observed)
    looks[node] = dataclasses.replace(looks[node], **changes)
    return dataclasses.replace(before, observed=looks)


def one(found: list[Diagnosis]) -> Diagnosis:
    assert [d.cause for d in found] == [found[0].cause], found
    return found[0]


def test_a_healthy_cluster_has_no_diagnosis() -> None:
    assert diagnose(context("healthy")) == []


@pytest.mark.parametrize("name", SCENES)
def test_the_cause_is_recognised_alone_and_by_its_evidence(name: str) -> None:
    cause, nodes, seen = SCENES[name]
    found = one(diagnose(context(name)))
    assert (found.cause, found.nodes) == (cause, nodes)
    assert any(re.search(seen, line) for line in found.evidence), found.evidence
    assert len(found.evidence) <= 6


def test_what_was_captured_is_all_used() -> None:
    assert {file.stem for file in CAPTURED.glob("*.txt")} == {*SCENES, "healthy"}


def test_a_quick_observation_recognises_the_same_but_for_thorough_facts() -> None:
    blind = {name: dataclasses.replace(context(name), evidence={}) for name in SCENES}
    found = {name: [d.cause for d in diagnose(seen)] for name, seen in blind.items()}
    assert found["vrrp-blocked"] == ["vrrp-blocked"]
    assert found["haproxy-refuses"] == ["container-restarting"]
    # Only keepalived's own counter of refused adverts shows a wrong password.
    assert found["password"] == ["vrrp-blocked"]


def test_adverts_through_a_router_are_reported_as_such() -> None:
    found = one(diagnose(context("vrrp-refused")))
    assert found.message == "the node refuses the adverts of its peers (Packet Errors: TTL)"
    assert "the TTL of adverts is not 255" in found.fix


def test_a_vip_that_was_not_tried_on_its_holder_is_not_reported_to_answer_there() -> None:
    before = context("vip-unheard")
    assert diagnose(changed(before, "n1", vip_answers={})) == []


def test_an_interface_that_is_down_explains_the_fault() -> None:
    before = context("healthy")
    for node in ALL:
        look = before.observed[node]
        assert look.vrrp
        link = dataclasses.replace(look.host.links["eth0"], flags=frozenset({"BROADCAST"}))
        host = dataclasses.replace(look.host, links={**look.host.links, "eth0": link})
        vrrp = dataclasses.replace(look.vrrp, state="FAULT")
        left = tuple(a for a in look.addresses if a.address != "198.19.29.100")
        before = changed(before, node, host=host, vrrp=vrrp, addresses=left)
    found = one(diagnose(before))
    assert (found.cause, found.nodes) == ("interface-down", ALL)
    assert "the interface for the VIP, eth0, is switched off" in found.message


def test_a_fault_while_haproxy_answers_is_the_check() -> None:
    before = context("healthy")
    vrrp = before.observed["n2"].vrrp
    assert vrrp
    found = one(diagnose(changed(before, "n2", vrrp=dataclasses.replace(vrrp, state="FAULT"))))
    assert (found.cause, found.nodes) == ("check-fails", ("n2",))
    assert "haproxy answers" in found.evidence[0]


def test_an_unreachable_node_whose_adverts_arrive_is_the_master() -> None:
    before = context("healthy")
    looks = {node: look for node, look in before.observed.items() if node != "n1"}
    error = HadeployError("timed out", node="n1", operation="connecting")
    found = one(diagnose(dataclasses.replace(before, observed=looks, unreachable={"n1": error})))
    assert found.cause == "node-unreachable"
    assert "it most likely holds the VIP" in found.message
    assert found.evidence[1] == "n2, n3: backup of n1, whose adverts arrive"


def test_a_stranger_whose_adverts_the_nodes_follow_is_named() -> None:
    before = context("healthy")
    for node in ALL:
        look = before.observed[node]
        left = tuple(a for a in look.addresses if a.address != "198.19.29.100")
        spoken = RunningInstance({"virtual_router_id": "53"}, peers=(), master="198.19.29.77")
        vrrp = VrrpState("BACKUP", 1, 1, look.vrrp.config_id if look.vrrp else "", spoken)
        before = changed(before, node, vrrp=vrrp, addresses=left)
    found = diagnose(before)
    assert {d.cause for d in found} == {"vrrp-stranger"}
    assert "backup of 198.19.29.77, which is not a node of this cluster" in found[0].message


def test_another_keepalived_on_the_node_itself_is_reported() -> None:
    before = context("healthy")
    others = {**before.observed["n3"].keepaliveds, 77: ""}
    found = one(diagnose(changed(before, "n3", keepaliveds=others)))
    assert (found.cause, found.evidence) == (
        "foreign-keepalived",
        ("n3: in the node itself (pid 77)",),
    )


def test_a_file_changed_by_hand_is_distinguished_from_a_changed_inventory() -> None:
    before = context("healthy")
    found = one(diagnose(changed(before, "n2", serving="0" * 16)))
    assert found.cause == "not-applied"
    assert "n2: the files are those that root@vm applied at 2026-" in found.evidence[0]
    files = tuple(
        dataclasses.replace(f, content=b"x") if f.path.endswith("keepalived.conf") else f
        for f in before.observed["n2"].files
    )
    vrrp = before.observed["n2"].vrrp
    assert vrrp
    edited = changed(before, "n2", files=files, vrrp=dataclasses.replace(vrrp, config_id="0"))
    assert "was changed after root@vm applied it" in one(diagnose(edited)).evidence[0]


def test_docker_that_does_not_answer_explains_its_containers() -> None:
    gone: dict[str, Any] = {"docker": None, "docker_error": "no daemon", "containers": ()}
    gone |= {"serving": None, "vrrp": None, "keepaliveds": {}, "backends": (), "sockets": ()}
    found = one(diagnose(changed(context("healthy"), "n3", **gone)))
    assert (found.cause, found.evidence) == ("docker-down", ("n3: no daemon",))


def test_containers_of_an_engine_that_does_not_answer_are_not_taken_for_strangers() -> None:
    hung: dict[str, Any] = {"docker": None, "docker_error": "no answer within 20 s"}
    bent = changed(context("healthy"), "n2", containers=(), serving=None, vrrp=None, **hung)
    proofs = prove(bent.cluster, bent.desired, bent.observed)
    assert one(diagnose(dataclasses.replace(bent, proofs=proofs))).cause == "docker-down"
    reported = {p.message for p in proofs if p.verdict == "fail" and p.node == "n2"}
    assert "kube-lb-haproxy is unknown: the Docker engine does not answer" in reported
    assert not [text for text in reported if "missing" in text or "belongs to" in text]


def test_a_restarting_haproxy_of_hadeploy_is_no_conflict_on_its_port() -> None:
    before = context("healthy")
    haproxy, keepalived = sorted(before.observed["n2"].containers, key=lambda c: c.name)
    again = dataclasses.replace(haproxy, status="restarting", restarts=3, pid=0)
    found = one(diagnose(changed(before, "n2", containers=(again, keepalived))))
    assert found.cause == "container-restarting"


def test_backends_that_are_down_on_some_nodes_are_reported_as_such() -> None:
    server = BackendServer("b", "n1", "DOWN", "L4TOUT", "timeout")
    found = one(diagnose(changed(context("healthy"), "n2", backends=(server,))))
    assert found.message == "1 backend is down on some nodes: they do not answer"
    assert found.evidence == ("n2: b/n1 (L4TOUT, timeout)",)


def test_a_secret_in_a_log_is_redacted() -> None:
    before = context("haproxy-refuses")
    seen = before.evidence["n2"]
    line = "[ALERT] (1) : config : parsing [haproxy.cfg:9] : 'stats auth admin:canary' not here"
    log = {"haproxy": (line,)}
    evidence = {**before.evidence, "n2": dataclasses.replace(seen, logs=log)}
    found = one(diagnose(dataclasses.replace(before, evidence=evidence)))
    assert "canary" not in str(found.document())
    assert "stats auth (redacted)" in found.evidence[0]


def test_the_document_is_up_to_date() -> None:
    assert DOCS.read_text() == documentation(), (
        "python -m hadeploy.diagnose.catalogue >docs/diagnosis.md"
    )


def test_ids_are_unique_and_known_where_a_cause_explains_another() -> None:
    assert len(set(IDS)) == len(IDS)
    assert {explained for cause in CAUSES for explained in cause.explains} <= set(IDS)


def test_every_cause_has_its_place_and_is_recognised() -> None:
    code = "".join(file.read_text() for file in PACKAGE.glob("*.py"))
    assert set(re.findall(r'^[A-Z_]+ = Cause\(\s*"([a-z-]+)"', code, re.M)) == set(IDS)
    assert re.findall(r'Diagnosis\(\s*"[a-z-]+"', code) == []
    made = {name.lower().replace("_", "-") for name in re.findall(r"\b([A-Z_]+)\.id\b", code)}
    assert made == {cause.id for cause in CAUSES if cause.recognisers} == set(IDS)
