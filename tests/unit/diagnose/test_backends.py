"""Why backends are down: what haproxy said of servers that answer its check in every way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hadeploy.diagnose.backends import backends, check_outcome
from hadeploy.diagnose.diagnosis import DiagnosisContext
from hadeploy.observe.observed_node import BackendServer
from hadeploy.observe.parse_haproxy import parse_backends
from tests.unit import builders

CAPTURED = Path(__file__).parent / "captured" / "checks"
# The server in the captured statistics → why it is down, and a word of the fix.
OUTCOMES = {
    "s401": ("they refuse anonymous requests (401 to /readyz)", "check: {type: tcp}"),
    "s403": ("anonymous requests may not read /readyz (403)", "system:public-info-viewer"),
    "s404": ("they have no /readyz (404)", "listeners[].check.path"),
    "s429": ("they have too many requests (429 to /readyz)", "logs of the API servers"),
    "s500": ("they are not ready (500 to /readyz)", "logs of the API servers"),
    "s503": ("they are not ready (503 to /readyz)", "logs of the API servers"),
    "s302": ("they redirect /readyz (302)", "the port"),
    "plain": ("the TLS handshake fails", "check: {type: tcp}"),
    "silent": ("they accept connections and send nothing", "the port"),
    "closes": ("the TLS handshake fails", "the port"),
    "ssh": ("the TLS handshake fails", "the port"),
    "mtls": ("they close the connection", "a client certificate"),
    "mtls12": ("the TLS handshake fails", "a client certificate"),
    "slow": ("they do not answer in time", "logs of the API servers"),
    "refused": ("nothing listens there", "start the servers"),
}


def down(version: str) -> dict[str, BackendServer]:
    text = (CAPTURED / f"haproxy-{version}.csv").read_text()
    servers = [s for s in parse_backends(text) if s.listener == "kube-apiserver-backend"]
    return {server.name: server for server in servers if not server.up}


@pytest.mark.parametrize("version", ["2.6.12", "3.0.11"])
@pytest.mark.parametrize("name", OUTCOMES)
def test_why_a_check_fails(version: str, name: str) -> None:
    what, fix = check_outcome(down(version)[name], "/readyz")
    assert what == OUTCOMES[name][0]
    assert OUTCOMES[name][1] in fix


@pytest.mark.parametrize("version", ["2.6.12", "3.0.11"])
def test_what_was_captured_is_all_used(version: str) -> None:
    # What is no HTTP ends in L7RSP or, from 3.0 on, in L7TOUT.
    assert set(down(version)) == {*OUTCOMES, "garbage"}


def test_a_path_that_is_not_public_is_corrected() -> None:
    what, fix = check_outcome(down("2.6.12")["s403"], "/redyz")
    assert what == "anonymous requests may not read /redyz (403)"
    assert fix.startswith("correct listeners[].check.path")
    assert "system:public-info-viewer" not in fix


def test_answers_other_than_200_are_reported() -> None:
    server = BackendServer("b", "n1", "DOWN", "L7STS", "No Content", code="204")
    assert check_outcome(server, "/readyz")[0] == "they answer 204 to /readyz, not 200"


def test_a_check_that_is_under_way_is_reported_by_the_last_answer_that_any_node_saw() -> None:
    of = builders.cluster()
    looks = builders.healthy(of)
    section = "kube-apiserver-backend"
    answered = BackendServer(section, "n1", "DOWN", "L7STS", "Forbidden", code="403")
    under_way = BackendServer(section, "n1", "DOWN", "L7STS")
    for node, server in zip(looks, (under_way, answered, under_way), strict=True):
        looks[node] = dataclasses.replace(looks[node], backends=(server,))
    (found,) = backends(DiagnosisContext(of, builders.desired(of), looks, []))
    assert found.message == "1 backend is down: anonymous requests may not read /readyz (403)"
