"""This machine and a node report the same answer of a server."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from hadeploy.answers.answer import Answer, as_before, read_answer
from hadeploy.answers.ask import ask
from hadeploy.desired.client_hello import client_hello, hello_for_printf
from tests.unit.answers import servers
from tests.unit.scripts.fragments import fragment

BEHAVIOURS = {
    "http/200": servers.speaks_http("200 OK"),
    "http/301": servers.speaks_http("301 Moved Permanently"),
    "http/403": servers.speaks_http("403 Forbidden"),
    "http/503": servers.speaks_http("503 Service Unavailable"),
    "http/400": servers.speaks_http("400 Bad Request"),
    "other": servers.greets,
    "silent": servers.says_nothing,
    "open": servers.closes_after_a_word,
    "closed": servers.closes,
}


def shell(main: str, *parts: str, interpreter: str = "dash") -> str:
    """What a script with answer.sh prints."""
    script = fragment("answer.sh", *parts, main=main, HD_HELLO=hello_for_printf())
    done = subprocess.run(
        [interpreter], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr == ""
    return done.stdout


def from_a_node(port: int, interpreter: str) -> str:
    """As a node's shell finds it, with little patience."""
    main = f"ANSWER_SECONDS=0.5\nanswer_of 127.0.0.1 {port}"
    return shell(main, interpreter=interpreter).strip()


@pytest.mark.parametrize("word", BEHAVIOURS)
@pytest.mark.parametrize("interpreter", ["dash", "bash"])
def test_a_node_reports_the_answer_of_a_server(word: str, interpreter: str) -> None:
    with servers.serving(BEHAVIOURS[word]) as port:
        assert from_a_node(port, interpreter) == word


@pytest.mark.parametrize("word", BEHAVIOURS)
def test_this_machine_reports_the_answer_too(word: str) -> None:
    with servers.serving(BEHAVIOURS[word]) as port:
        assert ask("127.0.0.1", port, 0.5) == Answer(word) == read_answer(word)


@pytest.mark.parametrize(
    ("second", "word"), [(servers.says_nothing, "silent"), (servers.closes, "closed")]
)
def test_a_second_server_that_died_is_not_reported_as_another_protocol(
    second: servers.Behaviour, word: str
) -> None:
    http = servers.speaks_http("200 OK")
    with servers.serving(servers.one_after_the_other(http, second)) as port:
        assert from_a_node(port, "dash") == word
        assert ask("127.0.0.1", port, 0.5) == Answer(word)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_tls_server_answers(version: ssl.TLSVersion, tmp_path: Path) -> None:
    context = servers.tls_server(tmp_path, version)
    with servers.serving(lambda connection: context.wrap_socket(connection, True)) as port:
        assert from_a_node(port, "dash") == "tls"
        assert ask("127.0.0.1", port) == Answer("tls")


def test_a_tls_server_with_another_version_is_still_tls(tmp_path: Path) -> None:
    context = servers.tls_server(tmp_path, ssl.TLSVersion.TLSv1_3)
    context.set_ecdh_curve("secp521r1")
    with servers.serving(lambda connection: context.wrap_socket(connection, True)) as port:
        assert ask("127.0.0.1", port).tls


def test_a_refused_connection_is_reported() -> None:
    with servers.refusing() as port:
        assert from_a_node(port, "dash") == "refused"
        with pytest.raises(ConnectionRefusedError):
            ask("127.0.0.1", port)


def test_the_hello_is_one_tls_record() -> None:
    hello = client_hello()
    assert hello[:2] == b"\x16\x03"
    assert int.from_bytes(hello[3:5], "big") == len(hello) - 5
    assert hello_for_printf().count("\\") == len(hello)


@pytest.mark.parametrize(
    ("now", "before", "alike"),
    [
        ("tls", "tls", True),
        ("tls", "http", True),
        ("http", "tls", False),
        ("http", "http,tls", False),
        ("http", "http", True),
        ("http", "http/503", True),
        ("http/502", "http/503", True),
        ("http/400", "http", False),
        ("http/200", "http/204", True),
        ("http/403", "http/200", False),
        ("http/401", "http/200", False),
        ("http/403", "http/401", False),
        ("http/403", "http/403,http/200", True),
        ("http/200", "http/401", True),
        ("http/200", "http/200,tls", False),
        ("http/302", "http/301", True),
        ("http/301", "http/200", False),
        ("http/401", "http/503", True),
        ("http/400", "http/503", False),
        ("http/503", "http/401", False),
        # As an earlier version recorded it.
        ("http/200", "http", True),
        ("http/403", "http", True),
        ("http/503", "http", False),
        ("http/403", "silent", True),
        ("http/503", "silent", False),
        ("silent", "tls", False),
        ("silent", "silent", True),
        ("closed", "open", False),
        ("other", "http,other", True),
        ("alert", "tls", False),
    ],
)
def test_an_answer_is_compared_with_those_before_it(now: str, before: str, alike: bool) -> None:
    assert as_before(Answer(now), [Answer(word) for word in before.split(",")]) is alike
    reported = shell(f"as_before {now} {before} && echo yes || echo no")
    assert reported == ("yes\n" if alike else "no\n")


@pytest.mark.parametrize("word", ["", "yes", "http/600", "http/4000", "tls tls", "TLS"])
def test_what_is_no_answer_is_none(word: str) -> None:
    assert read_answer(word) is None
