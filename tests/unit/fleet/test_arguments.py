"""What a fleet's command line allows, and what each cluster's is."""

from __future__ import annotations

import click
import pytest

from hadeploy.cli.main import LazyGroup
from hadeploy.fleet.arguments import FLEET_OPTIONS, REFUSED, cluster_arguments, option_problems
from hadeploy.fleet.verdict import DONE


def options_of(command: str) -> set[str]:
    found = LazyGroup().get_command(click.Context(click.Group()), command)
    assert found
    return {param.opts[-1] for param in found.params}


@pytest.mark.parametrize(
    ("command", "options", "refused"),
    [
        ("up", {"--limit": (), "--timeout": 30.0}, []),
        ("up", {"--limit": ("n1",)}, ["--limit"]),
        ("up", {"--allow-degraded": ("n1",), "--forget": ("a",)}, ["--allow-degraded", "--forget"]),
        ("plan", {"--ask-sudo-password": True}, ["--ask-sudo-password"]),
        ("status", {"--watch": None, "--metrics-file": None}, []),
        ("status", {"--watch": 0.0}, ["--watch"]),
        ("status", {"--metrics-file": "x"}, ["--metrics-file"]),
        ("down", {"--yes": True}, []),
        ("down", {"--yes": False}, ["`down` of several clusters"]),
    ],
)
def test_what_does_not_go_with_several_inventories(
    command: str, options: dict[str, object], refused: list[str]
) -> None:
    said = option_problems(command, options)
    assert len(said) == len(refused)
    assert all(text.startswith(start) for text, start in zip(said, refused, strict=True))


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("up", {}, []),
        ("up", {"--json": True, "--debug": False, "--timeout": 5.0}, ["--json", "--timeout=5.0"]),
        ("up", {"--lock-wait": 0.0}, ["--lock-wait=0.0"]),
        ("up", {"--skip": ("a", "-b")}, ["--skip=a", "--skip=-b"]),
        ("up", {"--inventory": ("f",), "--concurrency": 2, "--fail-fast": True}, []),
        ("down", {"--yes": True}, ["--yes"]),
        ("up", {"--yes": True, "--timeout": 30.0}, ["--yes", "--timeout=30.0"]),
        ("plan", {}, ["--exit-code"]),
        ("plan", {"--exit-code": True}, ["--exit-code"]),
        ("plan", {"--json": True}, ["--json"]),
    ],
)
def test_the_command_line_of_one_cluster(
    command: str, options: dict[str, object], words: list[str]
) -> None:
    assert cluster_arguments(command, "f/a.yaml", options) == [
        command,
        "--inventory=f/a.yaml",
        *words,
    ]


def test_the_tables_name_options_that_there_are() -> None:
    there = set.union(*(options_of(command) for command in DONE))
    assert set(REFUSED) <= there
    assert all(set(FLEET_OPTIONS) <= options_of(command) for command in DONE)
