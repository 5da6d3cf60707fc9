"""The files of `hadeploy render`, in a folder where other users may have put something before."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from hadeploy.cli.render import write
from hadeploy.errors import HadeployError


def test_what_others_have_put_there_is_not_written_to(tmp_path: Path) -> None:
    theirs, linked = tmp_path / "theirs", tmp_path / "linked"
    theirs.write_text("")
    place = tmp_path / "n1/keepalived/keepalived.conf"
    place.parent.mkdir(parents=True)
    linked.write_text("kept")
    for link in (place.hardlink_to, place.symlink_to):
        place.unlink(missing_ok=True)
        link(theirs if link == place.hardlink_to else linked)
        write(place, "auth_pass x", 0o600)
        assert place.read_text() == "auth_pass x"
        assert stat.S_IMODE(place.lstat().st_mode) == 0o600
        assert not place.is_symlink()
    assert (theirs.read_text(), linked.read_text()) == ("", "kept")


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "n1").write_text("")
    with pytest.raises(
        HadeployError, match=r"n1/haproxy/haproxy\.cfg: (File exists|Not a directory)"
    ):
        write(tmp_path / "n1/haproxy/haproxy.cfg", "", 0o644)
