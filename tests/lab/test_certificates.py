"""Clients refuse an API server whose certificate lacks the VIP, or has expired."""

from __future__ import annotations

import pytest

from hadeploy.lab.certificate import CertificateSpec, private_key_and_certificate
from tests.lab.harness import Cluster
from tests.lab.site import sshd


def serve(cluster: Cluster, lacking: str = "", expired: str = "") -> None:
    """TLS on every API server; the certificates of some are such as clients refuse."""
    lab = cluster.lab
    for node in lab.nodes:
        vips = () if node in lacking.split() else (lab.vip,)
        spec = CertificateSpec(
            (lab.address(node), *vips), begins=-400, ends=-35 if node in expired.split() else 100
        )
        lab.apiserver(node, up=True, tls=spec)


def reported(cluster: Cluster, command: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code of a command, and verdict and message of what it says of certificates."""
    result = cluster.run(command, "--json")
    found = [p for p in result.document["proofs"] if p["proof"] == "api-certificate"]
    found += [c for c in result.document["checks"] if c["id"] == "api-certificate"]
    return result.code, [(one["verdict"], one["message"]) for one in found]


def test_kubectl_through_the_vip_is_refused_and_no_command_reports_success(
    served: Cluster,
) -> None:
    # n3 forwards no connections: the certificate is read through bash there.
    with sshd(served, "n3", first="AllowTcpForwarding no\nMaxSessions 1"):
        serve(served, lacking="n3")
        code, [(verdict, message)] = reported(served, "verify")
        assert (code, verdict) == (4, "fail")
        assert f"certificate on n3 is not valid for {served.lab.vip}" in message
        assert f"that of n3 is valid for {served.lab.address('n3')}, kubernetes," in message
        screen = served.run("verify").out
        assert "apiServer.certSANs" in screen
        assert "why:" not in screen
        assert reported(served, "status") == (4, [("fail", message)])
        assert reported(served, "check") == (0, [("warn", message)])
        assert reported(served, "up") == (4, [("fail", message)])

    serve(served, lacking="n1 n2", expired="n3")
    code, proofs = reported(served, "status")
    assert code == 7
    assert [message.partition(" is ")[0] for _, message in proofs[:1]] == [
        "the API server's certificate on n1 and n2",
    ]
    assert "on n3 expired on " in proofs[-1][1]

    serve(served)
    code, [(verdict, message)] = reported(served, "verify")
    assert (code, verdict) == (0, "pass")
    assert "on n1, n2 and n3 are valid for" in message
    assert served.run("status").code == 0

    # Other TLS services are not judged.
    for node in served.lab.nodes:
        ingress = CertificateSpec(names=("example.com",), subject="example.com")
        served.lab.apiserver(node, up=True, tls=ingress)
    assert reported(served, "verify") == (0, [])


@pytest.mark.exhaustive
def test_a_frozen_api_server_is_no_warning(served: Cluster) -> None:
    serve(served)
    process = "$(ss -Hltnp 'sport = :6443' | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u)"
    served.node("n3", f"kill -STOP {process}")
    try:
        for command in (("verify", "--timeout", "1"), ("up", "--timeout", "1"), ("status",)):
            result = served.run(*command, "--json")
            failures = [p for p in result.document["proofs"] if p["verdict"] == "fail"]
            assert [p["message"] for p in failures] == [
                "n3 accepts connections but does not answer"
            ], command
            assert result.code == 4
        assert "overloaded or stopped" in served.run("verify", "--timeout", "1").out
    finally:
        served.node("n3", f"kill -CONT {process}")
    assert served.run("status").code == 0


def test_other_tls_services_do_not_replace_api_servers(served: Cluster) -> None:
    serve(served)
    served.up()
    # Beside each API server, as a kubelet.
    kubelet = private_key_and_certificate(CertificateSpec(names=("kubelet",), subject="kubelet"))
    forward = (
        "setsid openssl s_server -www -port 10250 -cert /run/kubelet.pem -key /run/kubelet.pem "
        "</dev/null >/dev/null 2>&1 & echo $! >/run/kubelet.pid"
    )
    for node in served.lab.nodes:
        served.node(node, f"cat >/run/kubelet.pem <<'END'\n{kubelet.decode()}END\n{forward}")
    try:
        served.inventory["listeners"] = [{"backend_port": 10250}]
        for command in ("plan", "up"):
            result = served.run(command)
            assert result.code == 3, result.out
            assert (
                "the servers on n1, n2 and n3, port 10250, are not Kubernetes API servers"
                in result.err
            )
            assert "the current servers on port 6443 are API servers" in result.err
        assert served.run("check").code == 3
        assert served.run("plan", "--skip", "api-certificate").code == 0
    finally:
        for node in served.lab.nodes:
            served.node(node, "kill $(cat /run/kubelet.pid); rm /run/kubelet.*")
    del served.inventory["listeners"]
    assert served.up()["changes"] == 0
