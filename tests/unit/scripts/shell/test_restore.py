"""Putting a node back to what its record says, as a node's shell does it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

# What is not looked at here.
ALONE = """
unpin() { emit unpinned "$@"; }
pin_and_proxy() { :; }
restore_role() { false; }
"""


def said(root: Path, main: str = "restore") -> list[str]:
    """What a script says, without its token."""
    given = {"HD_ROOT": str(root), "HD_VIPS": "198.51.100.100", "HD_TOGETHER": "yes"}
    script = fragment("restore.sh", **given, HD_ELECTION="1", main=f"{ALONE}\n{main}")
    done = subprocess.run(
        ["dash"], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    return [line.removeprefix("@t ") for line in done.stdout.splitlines() if line[:1] == "@"]


UNPINNED = "unpinned 198.51.100.100"


def test_without_a_former_state_the_vip_is_pinned_no_longer(tmp_path: Path) -> None:
    assert said(tmp_path)[:2] == ["not-restored", UNPINNED]


@pytest.mark.parametrize("sums", ["0000  applied.json\n", ""])
def test_a_damaged_former_state_is_not_put_back_and_the_vip_is_pinned_no_longer(
    tmp_path: Path, sums: str
) -> None:
    (tmp_path / ".undo").mkdir()
    (tmp_path / ".undo" / "sums").write_text(sums)
    assert said(tmp_path)[:3] == ["restoring", "unrestored", UNPINNED]


def test_where_putting_back_fails_the_vip_is_pinned_no_longer(tmp_path: Path) -> None:
    assert said(tmp_path, 'undo_is_complete() { :; }\nmkdir -p "$HD_ROOT/.undo"\nrestore')[:3] == [
        "restoring",
        "unrestored",
        UNPINNED,
    ]
