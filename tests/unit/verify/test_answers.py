"""Whether what a client is answered through the VIP is what the backends answer."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.certificates.certificate import Certificates, ServerCertificate
from hadeploy.status.judge import judge
from hadeploy.verify.answers import answer_proofs
from hadeploy.verify.proof import Proof
from hadeploy.verify.proofs import prove
from tests.unit import builders
from tests.unit.nodes import Node
from tests.unit.status.snapshots import situation

NOW = datetime.datetime(2026, 11, 27, tzinfo=datetime.timezone.utc)
CERTIFICATE = ServerCertificate(
    "kube-apiserver", (), (builders.VIP,), NOW, NOW + datetime.timedelta(days=100)
)
ADDRESSES = [f"198.51.100.1{i}" for i in (1, 2, 3)]
TLS = Certificates(NOW, {(address, 6443): CERTIFICATE for address in ADDRESSES})
OTHER = dataclasses.replace(CERTIFICATE, subject="example.com")
OTHER_TLS = Certificates(NOW, dict.fromkeys(TLS.found, OTHER))
PLAIN = Certificates(NOW, {(address, 6443): None for address in ADDRESSES})
MIXED = Certificates(NOW, {**TLS.found, (ADDRESSES[0], 6443): None})
UNREAD = Certificates(NOW, {})
TARGET = f"{builders.VIP}:9443"


def cluster(*answers: str, before: str | None = None, up: bool = True) -> dict[str, Node]:
    """Every node gets one of the answers, which were others when the last change was recorded."""
    looks = builders.healthy(builders.cluster())
    words = answers * 3 if len(answers) == 1 else answers
    for (node, look), word in zip(looks.items(), words, strict=True):
        looks[node] = look.with_(vip_answers={(builders.VIP, 9443): Answer(word)})
        if before is not None:
            looks[node] = looks[node].with_file("served", f"kube-apiserver {before}\n")
        if not up:
            looks[node] = looks[node].with_backends("DOWN")
    return looks


def reported(looks: dict[str, Node], certificates: Certificates) -> list[tuple[str, str]]:
    proofs = answer_proofs(builders.cluster(), looks, certificates)
    return [(proof.verdict, proof.message) for proof in proofs]


def of_nodes(looks: dict[str, Node]) -> list[Proof]:
    of = builders.cluster()
    return [p for p in prove(of, builders.desired(of), looks) if p.name == "vip-answers-node"]


def verdict(looks: dict[str, Node], certificates: Certificates) -> str:
    return judge(dataclasses.replace(situation(), observed=looks, certificates=certificates))[0]


EVERYWHERE = "(from n1, n2, n3)"


@pytest.mark.parametrize(
    ("answer", "before", "certificates", "problem"),
    [
        ("tls", None, TLS, ""),
        ("alert", None, TLS, ""),
        ("silent", None, TLS, "sends nothing, although the backends use TLS"),
        ("http", None, TLS, "answers HTTP, although the backends use TLS"),
        ("http", "tls", UNREAD, "answers HTTP, but answered TLS when the last change was"),
        ("http/400", "http", PLAIN, "answers HTTP with status 400, but answered HTTP when"),
        ("http/403", "http/200", PLAIN, "answers HTTP with status 403, but answered HTTP when"),
        ("http/403", "http", PLAIN, ""),
        ("other", "silent,open", UNREAD, "closed the connection of a TLS client or sent nothing"),
        ("http", "silent", UNREAD, ""),
        # haproxy may speak TLS with other servers, for clients that speak none.
        ("http", "http", OTHER_TLS, ""),
        ("http", "http", TLS, "answers HTTP, although the backends use TLS"),
        ("http", None, OTHER_TLS, "answers HTTP, although the backends use TLS"),
    ],
)
def test_an_answer_that_is_not_the_backends_is_a_failed_proof_and_an_outage(
    answer: str, before: str | None, certificates: Certificates, problem: str
) -> None:
    looks = cluster(answer, before=before)
    ((said, message),) = reported(looks, certificates)
    assert said == ("fail" if problem else "pass")
    assert message.startswith(TARGET)
    assert problem in message
    assert (EVERYWHERE in message) == bool(problem)
    # The connection itself is as it should be.
    assert {proof.verdict for proof in of_nodes(looks)} == {"pass"}
    assert (verdict(looks, certificates) == "down") == bool(problem)


@pytest.mark.parametrize(
    ("answer", "before", "certificates"),
    [
        # Nothing is known of what the backends answer.
        ("silent", None, UNREAD),
        ("http", None, PLAIN),
        ("silent", "", UNREAD),
        # Some speak TLS, some do not: each answer may be right.
        ("http", None, MIXED),
        # TLS was given up on purpose.
        ("http", "tls", PLAIN),
        # These are reported for each node.
        ("closed", "tls", TLS),
        ("closed", "http", OTHER_TLS),
        ("refused", "tls", TLS),
    ],
)
def test_unknown_settings_are_not_judged(
    answer: str, before: str | None, certificates: Certificates
) -> None:
    assert reported(cluster(answer, before=before), certificates) == []


def test_one_backend_of_several_that_is_not_understood_degrades() -> None:
    looks = cluster("tls", "http", "tls")
    ((said, message),) = reported(looks, TLS)
    assert said == "fail"
    assert message.endswith("(from n2)")
    assert verdict(looks, TLS) == "degraded"


def test_a_connection_that_is_closed_at_once_fails_where_a_backend_is_up() -> None:
    looks = cluster("closed")
    for proof in of_nodes(looks):
        assert proof.verdict == "fail"
        assert proof.message == (
            f"{TARGET} closes every connection at once, although 3 backends are up"
        )
    assert verdict(looks, UNREAD) == "down"


def test_before_the_first_backend_haproxy_closes_at_once_and_that_is_fine() -> None:
    looks = cluster("closed", up=False)
    assert {proof.verdict for proof in of_nodes(looks)} == {"pass"}
    assert reported(looks, UNREAD) == []
    assert verdict(looks, UNREAD) == "degraded"


def test_some_nodes_that_are_not_answered_degrade() -> None:
    assert verdict(cluster("tls", "closed", "tls"), UNREAD) == "degraded"
    assert verdict(cluster("tls", "closed", "unreached"), UNREAD) == "down"


def test_one_of_several_servers_that_answers_no_client() -> None:
    looks = cluster("tls", before="tls")
    through = {(builders.VIP, 9443): Answer("tls", "closed")}
    looks["n2"] = looks["n2"].with_(vip_answers=through)
    ((result, message),) = reported(looks, TLS)
    assert result == "fail"
    assert message.endswith("for some connections (from n2)")
    assert verdict(looks, TLS) == "degraded"


def test_ports_of_listeners_that_are_to_be_swapped_are_not_judged_yet() -> None:
    looks = cluster("other", before="tls")
    for node, look in looks.items():
        listeners = [{"name": "another", "port": 9443}]
        looks[node] = look.with_record(inventory={"listeners": listeners})
    assert reported(looks, TLS) == []


@pytest.mark.parametrize(("before", "result"), [("tls", "fail"), (None, "warn")])
def test_a_section_with_a_name_of_the_users(before: str | None, result: str) -> None:
    looks = cluster("closed", before=before)
    for node, look in looks.items():
        looks[node] = look.with_(backends=())
    assert {proof.verdict for proof in of_nodes(looks)} == {result}


def test_servers_without_checks_that_serve_no_client() -> None:
    looks = cluster("closed")
    for node, look in looks.items():
        looks[node] = look.with_backends("no check")
    assert {proof.verdict for proof in of_nodes(looks)} == {"fail"}
    assert verdict(looks, UNREAD) == "down"
