"""Files for users are whole, or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hadeploy.cli.files import Target
from hadeploy.errors import ExitCode, HadeployError


def target(path: Path, mode: int = 0o644) -> Target:
    return Target(path, "writing it", "--output FILE", mode)


def test_it_is_written_in_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    target(path).require_writable()
    assert path.read_text() == "old"
    mask = os.umask(0o077)
    try:
        target(path).write(b"new")
    finally:
        os.umask(mask)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_one_is_private(tmp_path: Path) -> None:
    target(tmp_path / "s", 0o600).write(b"")
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("where", "why"), [("nowhere/x", "no such folder"), ("file/x", "no such folder")]
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, where: str, why: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HadeployError, match=why) as refused:
        target(tmp_path / where).require_writable()
    assert str(refused.value).startswith(f"writing it: {tmp_path / where}: ")
    assert (refused.value.code, refused.value.hint) == (ExitCode.USAGE, "--output FILE")


def test_a_file_system_that_takes_no_files_is_refused() -> None:
    with pytest.raises(HadeployError, match="/proc/x") as refused:
        target(Path("/proc/x")).require_writable()
    assert refused.value.code == ExitCode.USAGE


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a link to a pipe", "a link into /proc"])
def test_what_is_no_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "there"
    if kind == "a folder":
        path.mkdir()
    elif kind == "a link into /proc":
        # As /dev/stdout is, also where it leads to a file.
        path.symlink_to("/proc/self/cmdline")
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to("pipe") if "link" in kind else path.hardlink_to(tmp_path / "pipe")
    before = path.lstat()
    for use, code in (
        (target(path).require_writable, ExitCode.USAGE),
        (lambda: target(path).write(b"x"), ExitCode.FAILED),
    ):
        with pytest.raises(HadeployError, match=r"not a regular file|Is a directory") as refused:
            use()
        assert refused.value.code == code
    assert path.lstat() == before


def test_nothing_is_left_of_one_that_could_not_be_put_in_place(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(HadeployError, match="Is a directory") as failed:
        target(tmp_path / "folder").write(b"x")
    assert failed.value.code == ExitCode.FAILED
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
