"""The cluster's files, as a node's shell lists them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

# For every content of the folder.
OURS = "foreign_in_folder() { return 1; }"
REMOVE = 'rm -f "$HD_ROOT/haproxy/gone"'


def output(root: Path, command: str) -> str:
    """The output where a command behaves differently."""
    for name in ("haproxy/gone", "keepalived/kept"):
        (root / name).parent.mkdir(parents=True)
        (root / name).write_text("0\n")
    script = fragment("files.sh", HD_ROOT=str(root), main=f"{OURS}\n{command}\nobserve_files")
    done = subprocess.run(
        ["sh"], input=script, text=True, timeout=30, check=True, stdout=subprocess.PIPE
    )
    return done.stdout


def reported(root: Path, command: str) -> list[str]:
    """The names of the files."""
    lines = [line.split() for line in output(root, command).splitlines()]
    # The mode and the owner are in the same message.
    assert {len(line) for line in lines if line[:2] == ["@t", "file"]} == {5}
    return sorted(line[-1] for line in lines if line[:2] == ["@t", "file"])


@pytest.mark.parametrize(
    "program", [f'find() {{ command find "$@"; {REMOVE}; }}', f"base64() {{ {REMOVE}; return 1; }}"]
)
def test_a_file_that_goes_away_while_it_is_looked_at_is_not_there(
    tmp_path: Path, program: str
) -> None:
    assert reported(tmp_path, program) == ["keepalived/kept"]
    assert not (tmp_path / "haproxy/gone").exists()


def test_a_file_that_goes_away_before_it_is_asked_for_its_mode_is_not_there(
    tmp_path: Path,
) -> None:
    # As find runs it.
    stat = tmp_path / "bin/stat"
    stat.parent.mkdir()
    stat.write_text(f'#!/bin/sh\n{REMOVE}\nexec /usr/bin/stat "$@"\n')
    stat.chmod(0o755)
    assert reported(tmp_path / "root", f"PATH={stat.parent}:$PATH; export HD_ROOT") == [
        "keepalived/kept"
    ]


def test_a_file_that_cannot_be_read_is_there(tmp_path: Path) -> None:
    assert reported(tmp_path, "base64() { return 1; }") == ["haproxy/gone", "keepalived/kept"]


def test_our_folder_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    assert reported(tmp_path / "link", ":") == ["haproxy/gone", "keepalived/kept"]


def test_blanks_belong_to_a_name(tmp_path: Path) -> None:
    root = tmp_path / "a  root"
    root.mkdir()
    assert reported(root, ":") == ["haproxy/gone", "keepalived/kept"]


@pytest.mark.parametrize(
    ("command", "together"), [(":", 1), ('cat() { command cat "$@" "$@"; }', 0)]
)
def test_all_files_are_read_together_unless_one_changes_meanwhile(
    tmp_path: Path, command: str, together: int
) -> None:
    said = output(tmp_path, command)
    assert said.count("@t contents 2 2\n") == together
    assert said.count("MAo=\n") == (0 if together else 2)
    assert said.count("MAowCg==\n") == together


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 56, 57, 58, 59, 113, 114, 115, 171, 231])
def test_files_of_every_length(tmp_path: Path, size: int) -> None:
    (tmp_path / "haproxy.cfg").write_bytes(b"\0" * size)
    assert "@t contents" in output(tmp_path, ":")
