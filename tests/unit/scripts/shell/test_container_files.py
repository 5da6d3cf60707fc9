"""What a node's root reads of a container, which may have put anything there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hadeploy.desired import layout
from tests.unit.scripts.fragments import fragment

ENDLESS = "yes aaaaaaaa"
ENDLESS_LINE = "tr '\\0' a </dev/zero"


def script(root: Path, main: str) -> str:
    files = ("keepalived.sh", "fingerprint.sh", "track.sh", "http.sh", "files.sh")
    return fragment(*files, main=main, HD_ROOT=str(root))


def output(root: Path, main: str) -> str:
    """What a node's shell prints, within 20 s."""
    done = subprocess.run(
        ["sh"], input=script(root, main), text=True, timeout=20, check=False, stdout=subprocess.PIPE
    )
    return done.stdout


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "track").mkdir()
    (tmp_path / "applied.json").touch()
    for name in layout.DRAINS:
        (tmp_path / "track" / name).write_text("0\n")
    return tmp_path


def spoil(file: Path, how: str) -> None:
    """Make something else of a file, as its container could."""
    file.unlink()
    if how == "link":
        file.symlink_to(file.parent.parent / "of the node")
    elif how == "device":
        file.symlink_to("/dev/zero")
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "folder":
        file.mkdir()


@pytest.mark.parametrize("how", ["link", "device", "pipe", "folder", "gone"])
def test_what_a_container_puts_in_place_of_a_track_file_is_not_followed(
    root: Path, how: str
) -> None:
    (root / "of the node").write_text("1\n")
    spoil(root / "track/drain", how)
    said = output(root, 'observe_files; drained && echo drained; fingerprint ""')
    assert "track/handover" in said
    assert "track/drain" not in said
    assert "\ndrained" not in said
    said = output(root, "set_track drain 5 || echo refused")
    assert ("refused" in said) == (how != "gone")
    assert (root / "of the node").read_text() == "1\n"


def test_a_track_file_is_read_no_further_than_a_number_goes(root: Path) -> None:
    with (root / "track/drain").open("w") as file:
        file.truncate(2**40)
    assert len(output(root, 'observe_files; drained; fingerprint ""')) < 1000


def test_a_track_file_is_written_where_it_is(root: Path) -> None:
    before = (root / "track/drain").stat().st_ino
    assert output(root, "set_track drain 1 && drained && echo drained") == "drained\n"
    assert (root / "track/drain").read_text() == "1\n"
    assert (root / "track/drain").stat().st_ino == before


def test_a_state_that_is_no_file_is_not_read(root: Path) -> None:
    shells = {}
    # Each shell waits for a state: they wait at the same time.
    for how in ("device", "pipe", "folder"):
        dump = root / f"{how}.data"
        dump.touch()
        spoil(dump, how)
        main = f"hd_vrrp_pid=0; read_dump {dump} USR1 END || echo nothing; echo $hd_written"
        shells[how] = subprocess.Popen(
            ["sh", "-c", script(root, main)], text=True, stdout=subprocess.PIPE
        )
    said = {how: shell.communicate(timeout=10)[0].strip() for how, shell in shells.items()}
    assert said == dict.fromkeys(shells, "nothing")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may have another root folder")
@pytest.mark.parametrize("link", [False, True])
def test_a_tmp_that_is_a_link_leads_to_no_folder_of_the_node(root: Path, link: bool) -> None:
    (root / "of the node").mkdir()
    place = root / "tmp"
    place.symlink_to(root / "of the node") if link else place.mkdir()
    program = "import os, sys; os.chroot(sys.argv[1]); print(flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", program, str(root)], stdin=pipe, stdout=pipe
    ) as container:
        assert container.stdout
        container.stdout.readline()
        said = output(root, f"tmp_of {container.pid} || echo refused")
        container.communicate()
    assert said == ("refused\n" if link else f"/proc/{container.pid}/root/tmp\n")


@pytest.mark.parametrize("endless", [ENDLESS, ENDLESS_LINE])
def test_a_program_with_endless_output_is_cut_off_and_fails(root: Path, endless: str) -> None:
    said = output(
        root, f'endless() {{ {endless}; }}; capture 5000 endless; echo "$?"; echo "$hd_output"'
    )
    assert said[0] != "0"
    assert 4000 < len(said) < 6000
    said = output(root, f'last_bytes 5000 timeout 1 sh -c "{endless}"')
    assert 4000 < len(said) < 6000


def test_brief_output_is_complete_with_its_exit_code(root: Path) -> None:
    assert (
        output(root, 'capture 99 sh -c "echo a; echo b; exit 3"; echo "$? $hd_output"')
        == "3 a\nb\n\n"
    )
    assert output(root, 'capture 99 true; echo "$? $hd_output"') == "0 \n"


def test_haproxys_user_is_the_same_everywhere(root: Path) -> None:
    assert output(root, 'echo "$HAPROXY_UID"') == f"{layout.HAPROXY_UID}\n"
