"""What listeners answered is read from the node's record, strictly."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.observe.observed_node import ObservedFile, ObservedNode
from hadeploy.plan.recorded_answers import recorded_answers, recorded_listeners
from hadeploy.verify.backends import once_served
from tests.unit import builders


def look(content: bytes) -> ObservedNode:
    file = ObservedFile("served", 0o644, "0:0", content)
    return dataclasses.replace(builders.empty("n1"), files=(file,))


def test_names_alone_are_read_as_an_earlier_version_wrote_them() -> None:
    old = look(b"kube-apiserver\nother\n")
    assert recorded_listeners(old) == {"kube-apiserver": frozenset(), "other": frozenset()}
    assert once_served(old, "other")
    assert not once_served(old, "third")


def test_what_was_answered_is_read() -> None:
    new = look(b"kube-apiserver tls\nother http,http/403\nplain\n")
    assert recorded_answers(new, "kube-apiserver") == {Answer("tls")}
    assert recorded_answers(new, "other") == {Answer("http"), Answer("http/403")}
    assert recorded_answers(new, "plain") == recorded_answers(new, "none") == frozenset()
    assert once_served(new, "kube-apiserver")


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe tls\n", b"../x tls\n", b"\x1b[31m tls\n", b" tls\n", b"a" * 100],
)
def test_anything_else_is_nothing(content: bytes) -> None:
    assert recorded_listeners(look(content)) == {}


def test_invalid_answers_are_left_out() -> None:
    assert recorded_answers(look(b"a tls,yes,closed,,refused\n"), "a") == {Answer("tls")}
