"""The proof api-certificate: what clients accept."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from hadeploy.certificates.certificate import Certificates, Endpoint, ServerCertificate
from hadeploy.verify.certificates import (
    backends_up,
    certificate_proofs,
    judge_certificate,
    refused_listeners,
)
from hadeploy.verify.proof import Proof
from tests.unit import builders

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
GOOD = ServerCertificate(
    "kube-apiserver",
    ("kubernetes", "kubernetes.default"),
    ("10.96.0.1", builders.VIP),
    NOW - DAY,
    NOW + 300 * DAY,
)
LACKS = dataclasses.replace(GOOD, addresses=("10.96.0.1", "198.51.100.11"))
NODES: list[Endpoint] = [(f"198.51.100.1{i}", 6443) for i in (1, 2, 3)]


def proofs(*read: ServerCertificate | None) -> list[Proof]:
    found = dict(zip(NODES, read, strict=False))
    return list(certificate_proofs(builders.cluster(), Certificates(NOW, found), NODES))


def test_certificates_that_name_the_vip_are_one_proof() -> None:
    (proof,) = proofs(GOOD, GOOD, GOOD)
    assert (proof.name, proof.verdict) == ("api-certificate", "pass")
    assert "n1, n2 and n3 are valid for 198.51.100.100" in proof.message


def test_a_certificate_that_lacks_the_vip_names_its_backends_and_the_fix() -> None:
    other = dataclasses.replace(LACKS, addresses=("10.96.0.1", "198.51.100.13"))
    (proof,) = proofs(LACKS, GOOD, other)
    assert proof.verdict == "fail"
    assert proof.message == (
        "the API server's certificate on n1 and n3 is not valid for 198.51.100.100, so kubectl "
        "refuses it; that of n1 is valid for 10.96.0.1, 198.51.100.11, kubernetes, "
        "kubernetes.default"
    )
    assert proof.hint is not None
    assert "add 198.51.100.100 to `apiServer.certSANs`" in proof.hint
    assert "--apiserver-cert-extra-sans=198.51.100.100" in proof.hint


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({"ends": NOW}, "fail", "expired on 2026-06-01"),
        ({"begins": NOW + DAY}, "fail", "is not valid before 2026-06-02 00:00"),
        ({"ends": NOW + 13 * DAY}, "warn", "expires on 2026-06-14"),
        # Neither a name that looks like an address nor the common name counts (RFC 6125).
        (
            {"addresses": (), "names": ("kubernetes.default", builders.VIP)},
            "fail",
            "is not valid for",
        ),
        ({"addresses": (), "names": (), "subject": builders.VIP}, "fail", "is not valid for"),
    ],
)
def test_what_clients_refuse(changes: dict[str, object], verdict: str, words: str) -> None:
    certificate = dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]
    judgement = judge_certificate(builders.cluster(), certificate, NOW)
    assert judgement is not None
    assert judgement.verdict == verdict
    assert words in judgement.problem


def test_every_vip_must_be_in_it() -> None:
    cluster = builders.cluster(
        vip=[builders.VIP, "2001:db8::64"],
        nodes=[{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3)],
    )
    judgement = judge_certificate(cluster, GOOD, NOW)
    assert judgement is not None
    assert "is not valid for 2001:db8::64" in judgement.problem
    both = dataclasses.replace(GOOD, addresses=(builders.VIP, "2001:db8::64"))
    assert judge_certificate(cluster, both, NOW) is None


def test_other_services_are_not_judged() -> None:
    ingress = dataclasses.replace(LACKS, subject="ingress", names=("example.com",))
    assert proofs(None, None, None) == []
    assert proofs(ingress, ingress, ingress) == []
    assert proofs() == []


def test_a_certificate_that_cannot_be_read_is_reported_beside_others() -> None:
    reported = proofs(GOOD)
    assert [p.verdict for p in reported] == ["pass", "warn"]
    assert "on n2 and n3 could not be read" in reported[1].message


def test_a_server_that_accepts_connections_and_does_not_answer_fails_beside_others() -> None:
    def of(*read: ServerCertificate | None, silent: slice = slice(2, 3)) -> list[Proof]:
        found = dict(zip(NODES, read, strict=False))
        seen = Certificates(NOW, found, frozenset(NODES[silent]))
        return list(certificate_proofs(builders.cluster(), seen, NODES))

    accepted, frozen = of(GOOD, GOOD)
    assert accepted.verdict == "pass"
    assert (frozen.name, frozen.verdict, frozen.message) == (
        "backends-answer",
        "fail",
        "n3 accepts connections but does not answer",
    )
    assert frozen.hint == "check whether that API server is overloaded or stopped"
    (_, both) = of(GOOD, silent=slice(1, 3))
    assert both.message == "n2 and n3 accept connections but do not answer"
    # Servers that wait for the client to begin otherwise, as no other speaks TLS.
    assert of(None, None) == []
    assert of(silent=slice(0, 3)) == []


def test_clients_are_refused_only_where_no_backend_is_left_that_they_accept() -> None:
    cluster = builders.cluster()

    def refused(*read: ServerCertificate | None) -> bool:
        found = dict(zip(NODES, read, strict=False))
        return bool(refused_listeners(cluster, Certificates(NOW, found), NODES))

    assert refused(LACKS, LACKS, LACKS)
    assert not refused(LACKS, LACKS, GOOD)
    assert not refused(LACKS, LACKS)
    assert not refused(None, None, None)
    assert not refused()


def test_backends_that_some_haproxy_sees_up_are_judged() -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    assert backends_up(cluster, observed) == set(NODES)
    down = {
        node: dataclasses.replace(look, backends=look.backends[:1])
        for node, look in observed.items()
    }
    assert backends_up(cluster, down) == {NODES[0]}
    assert backends_up(cluster, {}) == set()


def test_a_certificate_beside_those_of_api_servers_is_judged_for_every_subject() -> None:
    other = dataclasses.replace(LACKS, subject="example.com", names=("example.com",))
    (proof,) = proofs(GOOD, GOOD, other)
    assert proof.verdict == "fail"
    assert "certificate on n3 is not valid for 198.51.100.100" in proof.message
    assert proofs(other, other, other) == [], "an ingress, perhaps"


def test_a_vip_as_a_dns_name_is_reported_as_such() -> None:
    named = dataclasses.replace(LACKS, names=("kubernetes.default", builders.VIP))
    (proof,) = proofs(named, named, named)
    assert (
        "is not valid for 198.51.100.100 (it contains 198.51.100.100 as DNS name, "
        "not as IP address), so kubectl refuses it"
    ) in proof.message


@pytest.mark.parametrize(
    ("issuer", "config", "restart"),
    [
        ("k3s-server-ca@1764244000", "/etc/rancher/k3s/config.yaml", "systemctl restart k3s`"),
        ("rke2-server-ca@17", "/etc/rancher/rke2/config.yaml", "systemctl restart rke2-server`"),
    ],
)
def test_the_advice_is_that_of_the_distribution(issuer: str, config: str, restart: str) -> None:
    lacks = dataclasses.replace(LACKS, issuer=issuer)
    (proof,) = proofs(lacks, lacks, lacks)
    assert proof.hint is not None
    for words in (f"`tls-san` in {config}", "--tls-san 198.51.100.100", restart):
        assert words in proof.hint
    ended = dataclasses.replace(GOOD, issuer=issuer, ends=NOW)
    (proof,) = proofs(ended, ended, ended)
    assert proof.hint is not None
    assert restart in proof.hint
    assert "kubeadm" not in proof.hint


def test_a_node_with_two_backends_is_named_once() -> None:
    listeners = [{"port": 9443}, {"name": "other", "port": 9444, "backend_port": 7443}]
    cluster = builders.cluster(listeners=listeners)
    ends = [(host, port) for host, _ in NODES for port in (6443, 7443)]
    read = Certificates(NOW, dict.fromkeys(ends, GOOD))
    (proof,) = certificate_proofs(cluster, read, ends)
    assert "certificates on n1, n2 and n3 are valid" in proof.message


def test_servers_of_different_authorities_are_reported() -> None:
    ours = dataclasses.replace(GOOD, issuer="kubernetes", authority_key="0a")
    theirs = dataclasses.replace(ours, authority_key="0b")
    valid, mixed = proofs(ours, theirs, ours)
    assert (valid.verdict, mixed.verdict) == ("pass", "warn")
    assert mixed.message == "the certificates on n2 are from another authority than on n1 and n3"
    # One that does not name its key.
    (alone,) = proofs(ours, dataclasses.replace(ours, authority_key=""), ours)
    assert alone.verdict == "pass"
