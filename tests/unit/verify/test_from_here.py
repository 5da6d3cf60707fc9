"""What this machine is answered: no way is a warning, a way on which it is refused is a failure."""

from __future__ import annotations

import errno
import os

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.verify import from_here
from hadeploy.verify.answers import Supplied
from hadeploy.verify.from_here import asked
from tests.unit import builders
from tests.unit.answers import servers

TARGET = "192.0.2.1:9443"
UP, DOWN = Supplied(3), Supplied(0)


def test_what_is_answered_is_told() -> None:
    with servers.serving(servers.speaks_http("200 OK")) as port:
        proof = asked("127.0.0.1", port, TARGET, UP)
    assert (proof.verdict, proof.message) == (
        "pass",
        "192.0.2.1:9443 answers HTTP, asked from this machine",
    )


def test_a_connection_that_is_closed_at_once_fails_where_backends_are_up() -> None:
    with servers.serving(servers.closes) as port:
        assert asked("127.0.0.1", port, TARGET, DOWN).verdict == "pass"
        proof = asked("127.0.0.1", port, TARGET, UP)
    assert proof.verdict == "fail"
    assert "closes every connection at once, although 3 backends are up" in proof.message


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
    assert (proof.verdict, proof.hint) == ("warn", "fine if it has no route to the VIP")


def test_a_server_that_is_known_to_say_nothing_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(from_here, "ANSWER_SECONDS", 60)
    silent = Supplied(3, frozenset({Answer("silent")}))
    with servers.serving(servers.says_nothing) as port:
        assert asked("127.0.0.1", port, TARGET, silent).verdict == "pass"
