"""Which lock files count, as a node's shell judges them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

OWN = "token=t\nowner=o\npurpose=up\nsince=1\n"


def reported(folder: Path, content: str, shell: str) -> list[str]:
    """What lock_report says of a lock file, without its token."""
    (folder / "c.lock").write_text(content)
    script = fragment(
        "lock_read.sh",
        HD_TOKEN="tok",
        main=f"lock_file={folder}/c.lock\nuptime_seconds() {{ echo 1000; }}\nlock_report\nemit end",
    )
    done = subprocess.run(
        [shell], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    return [line for line in done.stdout.splitlines() if line]


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("expires", ["", "x", "999", "1000", "08", "4601", "9" * 30, "-5", "1e9"])
def test_a_lock_that_has_expired_or_never_would_is_none(
    tmp_path: Path, expires: str, shell: str
) -> None:
    assert reported(tmp_path, f"{OWN}expires={expires}\n", shell) == ["@tok end"]


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("since", ["since=1\n", "", "since=x\n", "since=08\n"])
def test_a_valid_lock_is_reported_with_missing_fields(
    tmp_path: Path, since: str, shell: str
) -> None:
    said = reported(tmp_path, f"token=t\nowner=o\n{since}expires=1060\n", shell)
    assert said[:3] == ["@tok lock", "token=t", "owner=o"]
    assert said[-2:] == ["left=60", "@tok end"]
