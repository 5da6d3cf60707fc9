"""A program that refuses its file, and an engine that does not start the program."""

from __future__ import annotations

import base64
import subprocess

import pytest

from tests.unit.scripts.fragments import fragment

DOCKER = "docker: Error response from daemon: OCI runtime create failed"


def said(role: str, script: str, content: str = "") -> list[str]:
    """The lines of a script that validates by another script in place of `docker run`."""
    file = base64.b64encode(content.encode()).decode()
    whole = fragment(
        "validate.sh",
        main=f"validate {role} '{file}' sh -c '{script}'\nemit end",
    )
    done = subprocess.run(
        ["sh"], input=whole, text=True, timeout=30, check=False, stdout=subprocess.PIPE
    )
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize(
    ("role", "script", "verdict"),
    [
        ("haproxy", "echo fine", None),
        ("haproxy", "echo wrong; exit 1", "@t refused haproxy 1"),
        ("haproxy", "echo own; exit 127", "@t refused haproxy 127"),
        ("haproxy", f'echo "{DOCKER}"; exit 125', "@t not-started haproxy"),
        ("haproxy", f'echo "{DOCKER}"; exit 127', "@t not-started haproxy"),
        ("keepalived", "exit 0", None),
        ("keepalived", "echo unknown keyword", "@t refused keepalived 1"),
        ("keepalived", "echo WARNING: of the engine", None),
    ],
)
def test_each_kind_of_refusal_is_distinguished(role: str, script: str, verdict: str | None) -> None:
    lines = said(role, script)
    assert lines[0] == f"@t validating {role}"
    assert lines[-1] == "@t end"
    verdicts = [line for line in lines[1:-1] if line.startswith("@t ")]
    assert verdicts == ([verdict] if verdict else [])


def test_the_file_comes_on_stdin() -> None:
    assert "two\tlines" in said("haproxy", "cat", "one\ntwo\tlines\n")


def test_a_program_that_reads_nothing_makes_no_noise() -> None:
    assert said("haproxy", "exec <&-; sleep 0.1", "x" * 200_000) == [
        "@t validating haproxy",
        "@t end",
    ]
