"""The way to root: what is recognised in what a node says."""

from __future__ import annotations

import pytest

from hadeploy.remote.sudo import Handshake, PromptState, insists_on_terminal, refusal

HANDSHAKE = Handshake("f00d")


@pytest.mark.parametrize(
    ("said", "answered", "heard"),
    [
        (b"", False, PromptState.NOTHING),
        (b"WELCOME\nhd-asks%beef:", False, PromptState.NOTHING),
        (b"WELCOME\nhd-asks%f00d:", False, PromptState.ASKS),
        (b"hd-asks%f00d:\r\n", True, PromptState.NOTHING),
        (b"hd-asks%f00d:Sorry, try again.\nhd-asks%f00d:", True, PromptState.ASKS),
        (b"hd-asks%f00d:hd-ready-f00d\n", True, PromptState.READY),
        (b"WELCOME\nhd-ready-f00d\r\nhd-asks%f00d:", False, PromptState.READY),
    ],
)
def test_received_adverts(said: bytes, answered: bool, heard: PromptState) -> None:
    assert HANDSHAKE.state(said, answered) is heard


def test_what_comes_after_is_the_commands() -> None:
    assert HANDSHAKE.after(b"WELCOME\nhd-ready-f00d\r\nLoaded\n") == b"Loaded\n"


@pytest.mark.parametrize("size", [None, 4711])
def test_a_command_line_has_nothing_that_shells_read_differently(size: int | None) -> None:
    assert not set("$`!\\\n*?~{}[]<>&") & set(HANDSHAKE.command("docker load", size))


@pytest.mark.parametrize("size", [None, 4711])
def test_a_shell_that_prints_its_commands_is_not_root(size: int | None) -> None:
    line = HANDSHAKE.command("docker load", size)
    for said in (f"+ {line}\n", f"Sorry, user dora is not allowed to execute '{line}' as root\n"):
        assert HANDSHAKE.state(said.encode(), answered=False) is PromptState.NOTHING


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("sudo: a password is required", "sudo requires a password"),
        ("Sorry, try again.", "sudo refuses the password"),
        ("sudo: 1 incorrect password attempt", "sudo refuses the password"),
        ("dora is not in the sudoers file.", "sudo does not allow this user to become root"),
        ("bash: line 1: sudo: command not found", "sudo is not installed"),
        ("env: \u2018sudo\u2019: No such file or directory", "sudo is not installed"),
    ],
)
def test_refusals(said: str, what: str) -> None:
    refused = refusal(said, "n1", "observing")
    assert refused is not None
    assert (refused.message, refused.code) == (what, 3)


def test_no_refusal() -> None:
    assert refusal("sh: 1: docker: not found", "n1", "observing") is None
    assert insists_on_terminal("sudo: sorry, you must have a tty to run sudo")
