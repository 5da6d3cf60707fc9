"""Paths and commands of SSH configs."""

from __future__ import annotations

import pytest

from hadeploy.remote.ssh_tokens import expand, expand_command, split_paths, tokens_of

TOKENS = tokens_of(
    host="alias", hostname="198.51.100.7", user="ops", port=22, alias=None, jump_host="bastion"
)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("/k/%r@%h:%p", "/k/ops@198.51.100.7:22"),
        ("%n %k %j %%h", "alias alias bastion %h"),
        ("${A}/x", "/a/x"),
        ("${NONE}/x", None),
        ("%Z", "%Z"),
        ("100%", "100%"),
    ],
)
def test_tokens_and_variables(text: str, expanded: str | None) -> None:
    assert expand(text, TOKENS, {"A": "/a"}) == expanded


def test_the_shell_gets_its_variables_itself() -> None:
    assert expand_command("nc ${A} %h", TOKENS) == "nc ${A} 198.51.100.7"


@pytest.mark.parametrize(
    ("text", "there", "paths"),
    [
        ("/a /b", [], ["/a", "/b"]),
        ("/known hosts", [], ["/known hosts"]),
        ("/known hosts ~/more /x y z", [], ["/known hosts", "~/more", "/x y z"]),
        ("/a b", ["/a"], ["/a", "b"]),
        ("/a b", ["/a b"], ["/a b"]),
        ("/a /b", ["/a /b"], ["/a /b"]),
        ("/two  spaces", [], ["/two  spaces"]),
        ("known_hosts other", [], ["known_hosts", "other"]),
        ("none", [], ["none"]),
        ("", [], []),
    ],
)
def test_paths_on_one_line(text: str, there: list[str], paths: list[str]) -> None:
    assert split_paths(text, there.__contains__) == paths
