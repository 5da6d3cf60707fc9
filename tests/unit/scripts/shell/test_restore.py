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
    assert said(tmp_path)[:2] == ["no-restore", UNPINNED]


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


RECORD = """{
 "containers": {
  "lb-haproxy": "1",
  "lb-keepalived": "2"
 },
 "keepalived_config_id": "aa"
}
"""
ENGINE = """
docker() {
    case $* in
    *State.Status*) printf '%s\\n' "$STATUS" ;;
    *State.Pid*) [ "$STATUS" = running ] && printf '%s c\\n' "$$" ;;
    esac
    [ "$2" = inspect ] || printf '%s\\n' "$*" >>"$HD_ROOT/calls"
}
exists() { case $1 in *.hadeploy-old) return "$RECREATED" ;; esac; }
signal() { return 1; }
stop() { printf 'stop %s\\n' "$1" >>"$HD_ROOT/calls"; }
prove_restored() { printf 'prove %s\\n' "$1" >>"$HD_ROOT/calls"; }
"""
FAILED_CHANGE = """
save_undo || exit 9
printf 'new\\n' >"$HD_ROOT/keepalived/keepalived.conf"
: >"$HD_ROOT/calls"
restore_role keepalived lb-keepalived lb-keepalived HUP || exit 9
"""


@pytest.mark.parametrize("recreated", [False, True])
@pytest.mark.parametrize(
    ("status", "starts"), [("exited", False), ("created", False), ("running", True)]
)
def test_a_keepalived_that_was_stopped_before_the_change_stays_stopped(
    tmp_path: Path, status: str, starts: bool, recreated: bool
) -> None:
    for role in ("haproxy", "keepalived"):
        (tmp_path / role).mkdir()
    live = tmp_path / "keepalived" / "keepalived.conf"
    live.write_text("old\n")
    (tmp_path / "applied.json").write_text(RECORD)
    variables = f"STATUS={status}\nRECREATED={int(not recreated)}\n"
    script = fragment(
        "restore.sh",
        HD_ROOT=str(tmp_path),
        HD_KEEPALIVED="lb-keepalived",
        main=f"{variables}{ENGINE}{FAILED_CHANGE}",
    )
    done = subprocess.run(["dash"], input=script, text=True, timeout=30, check=False)
    assert done.returncode == 0
    calls = (tmp_path / "calls").read_text()
    assert live.read_text() == "old\n"
    assert ("start lb-keepalived" in calls) is starts
    assert ("prove keepalived" in calls) is starts
