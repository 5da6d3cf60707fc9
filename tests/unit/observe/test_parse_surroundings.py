"""What surroundings.sh says is parsed strictly."""

from __future__ import annotations

import base64

from hadeploy.observe.parse_surroundings import parse_environment, parse_names, parse_publishers
from hadeploy.scripts.kinds import Kind
from hadeploy.scripts.protocol import Message, Reply

ABOUT = ("haproxy", "c1")


def reply(*messages: tuple[Kind, tuple[str, ...], str]) -> Reply:
    return Reply(tuple(Message(kind, words, [body]) for kind, words, body in messages), 0)


def test_variables_are_those_of_the_container() -> None:
    body = base64.b64encode(b"PORT=9443\nHOST=a=b\nnonsense\n").decode()
    said = reply(
        ("foreign-environment", ABOUT, body),
        ("foreign-environment", ("haproxy", "other"), body),
        ("foreign-environment", ABOUT, "not base64!"),
    )
    assert parse_environment(said, ABOUT) == {"PORT": "9443", "HOST": "a=b"}
    assert parse_environment(said, ("keepalived", "c1")) == {}


def test_a_name_has_an_address_or_is_left_out() -> None:
    said = reply(
        ("foreign-host", (*ABOUT, "cp1", "198.51.100.1"), ""),
        ("foreign-host", (*ABOUT, "cp2", "nonsense"), ""),
        ("foreign-host", (*ABOUT, "cp3"), ""),
    )
    assert parse_names(said, ABOUT) == {"cp1": "198.51.100.1"}


def test_a_published_port_may_be_of_several_containers() -> None:
    said = reply(
        ("publisher", ("9443", "a"), ""),
        ("publisher", ("9443", "b"), ""),
        ("publisher", ("x", "c"), ""),
        ("publisher", ("80",), ""),
    )
    assert parse_publishers(said) == {9443: ("a", "b")}
