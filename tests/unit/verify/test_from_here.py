"""What this machine is answered: no way is a warning, a way on which it is refused is a failure."""

from __future__ import annotations

import errno
import os
from ipaddress import ip_network

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.verify import from_here
from hadeploy.verify.answers import Supplied
from hadeploy.verify.from_here import asked, on_link
from tests.unit import builders
from tests.unit.answers import servers

TARGET = "192.0.2.1:9443"
UP, DOWN = Supplied(3), Supplied(0)


def test_the_answer_is_reported() -> None:
    with servers.serving(servers.speaks_http("200 OK")) as port:
        proof = asked("127.0.0.1", port, TARGET, UP)
    assert (proof.verdict, proof.message) == (
        "pass",
        "from this machine, 192.0.2.1:9443 answers HTTP",
    )


def test_a_connection_that_is_closed_at_once_fails_where_backends_are_up() -> None:
    with servers.serving(servers.closes) as port:
        assert asked("127.0.0.1", port, TARGET, DOWN).verdict == "pass"
        proof = asked("127.0.0.1", port, TARGET, UP)
    assert proof.verdict == "fail"
    assert "closes every connection at once, although 3 backends are up" in proof.message


def test_an_answer_that_is_not_as_before_fails_unless_others_are_given_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(from_here, "ANSWER_SECONDS", 0.2)
    http = servers.speaks_http("200 OK")
    before = Supplied(3, frozenset({Answer("http/200")}))
    with servers.serving(servers.says_nothing) as port:
        proof = asked("127.0.0.1", port, TARGET, before)
    assert proof.verdict == "fail"
    assert "sends nothing, but answered HTTP when the last change was recorded" in proof.message
    with servers.serving(servers.one_after_the_other(servers.says_nothing, http, http)) as port:
        assert asked("127.0.0.1", port, TARGET, before).verdict == "pass"


def test_a_connection_that_is_refused_fails_where_backends_are_up() -> None:
    with servers.refusing() as port:
        assert asked("127.0.0.1", port, TARGET, DOWN).verdict == "warn"
        proof = asked("127.0.0.1", port, TARGET, UP)
    assert proof.verdict == "fail"
    assert "cannot be reached from this machine (Connection refused)" in proof.message


def test_over_a_jump_host_it_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    monkeypatch.setattr(from_here, "ask", refused)
    near, far = builders.cluster(), builders.cluster(ssh={"jump": "bastion"})
    verdicts = [from_here.from_here(of, builders.healthy(of))[0].verdict for of in (near, far)]
    assert verdicts == ["fail", "warn"]


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT])
def test_no_route_is_a_warning(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_route(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(from_here, "ask", no_route)
    proof = asked("192.0.2.1", 9443, TARGET, UP)
    assert (proof.verdict, proof.hint) == (
        "warn",
        "expected if this machine has no route to the VIP",
    )


@pytest.mark.parametrize(
    ("error", "up", "verdict"),
    [
        (TimeoutError("timed out"), UP, "fail"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), UP, "fail"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), UP, "warn"),
        (TimeoutError("timed out"), DOWN, "warn"),
    ],
)
def test_no_answer_in_the_vips_own_network_fails_where_backends_are_up(
    error: OSError, up: Supplied, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unanswered(*_: object) -> None:
        raise error

    monkeypatch.setattr(from_here, "ask", unanswered)
    proof = asked("192.0.2.1", 9443, TARGET, up, near=True)
    assert proof.verdict == verdict
    assert (proof.hint == from_here.DROPPED) is (verdict == "fail")


@pytest.mark.parametrize(("near", "seconds"), [(True, 2.0), (False, 1.0)])
def test_what_may_be_out_of_reach_is_waited_for_less(
    near: bool, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def answers(_: str, __: int, ___: float, connect: float) -> Answer:
        waited.append(connect)
        return Answer("tls")

    monkeypatch.setattr(from_here, "ask", answers)
    assert asked("192.0.2.1", 9443, TARGET, UP, near=near).verdict == "pass"
    assert waited == [seconds]


def test_this_machine_is_in_the_network_of_an_address_that_it_reaches_from_there() -> None:
    loopback, other = ip_network("127.0.0.0/8"), ip_network("192.0.2.0/24")
    assert on_link("127.0.0.2", {loopback, other})
    assert not on_link("127.0.0.2", {other})
    assert not on_link("127.0.0.2", set())
    # Without a route.
    assert not on_link("255.255.255.255", {ip_network("0.0.0.0/0")})


def test_a_server_that_was_silent_before_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(from_here, "ANSWER_SECONDS", 60)
    silent = Supplied(3, frozenset({Answer("silent")}))
    with servers.serving(servers.says_nothing) as port:
        assert asked("127.0.0.1", port, TARGET, silent).verdict == "pass"
