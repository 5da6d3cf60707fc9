"""The files of one node in the archive for a bug report."""

from __future__ import annotations

import re

import pytest

from hadeploy.scripts.protocol import Message, Reply
from hadeploy.support.contents import PARTS, of_node
from hadeploy.support.redact import Redactor
from tests.unit.scripts.fragments import fragment


def said(name: str) -> Reply:
    """The messages of a node about one part."""
    return Reply((Message("part", (name,), ["text"]),), 0)


@pytest.mark.parametrize("name", ["../../.ssh/authorized_keys", "/etc/passwd", "result.json", ""])
def test_a_node_does_not_choose_paths(name: str) -> None:
    assert of_node(None, said(name), Redactor(())) == {}


def test_the_observations_of_nodes_are_in_the_archive() -> None:
    script = fragment("support.sh", main="")
    reported = set(re.findall(r"(?:emit part|emit_log) ([a-z]+\.[a-z]+)", script))
    assert reported == PARTS
    for name in PARTS:
        assert list(of_node(None, said(name), Redactor(()))) == [name]


@pytest.mark.parametrize("name", sorted(PARTS))
def test_a_printed_file_sends_no_control_characters_to_the_terminal(name: str) -> None:
    lines = ["\x1b]52;c;aGk=\x07 \x9b31m a\tb", "", "c"]
    (text,) = of_node(None, Reply((Message("part", (name,), lines),), 0), Redactor(())).values()
    assert not [c for c in text if not c.isprintable() and c != "\n"]
    assert text.splitlines()[1:] == ["", "c"]
