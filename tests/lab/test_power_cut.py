"""What is on a node's disk after a power cut: what is below the kernel's cache is copied."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

FILES = {
    "haproxy/haproxy.cfg": "global\n" + "# new\n" * 2000,
    "keepalived/keepalived.conf": "vrrp_instance x {\n}\n",
    "keepalived/check-haproxy.sh": "#!/bin/sh\n",
    "applied.json": json.dumps({"configuration": "0" * 16}, indent=1),
    "track/drain": "0\n",
}
BEFORE = {path: content.replace("new", "old") + "# old\n" for path, content in FILES.items()}
# The engine, haproxy and keepalived have no part in this.
WITHOUT_ENGINE = """
prove_restored() { :; }
signal() { :; }
exists() { return 1; }
save_server_state() { :; }
record_served() { :; }
docker() { :; }
"""


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@contextmanager
def mounted(image: Path, place: Path) -> Iterator[Path]:
    """A file system from an image that writes nothing back without a sync."""
    place.mkdir()
    run("mount", "-o", "loop,commit=300,noauto_da_alloc", str(image), str(place))
    try:
        yield place
    finally:
        run("umount", str(place))
        place.rmdir()


class Node:
    """A folder of hadeploy on a disk whose power can be cut."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._image = folder, folder / "disk"

    def make(self, files: dict[str, str], undo: dict[str, str]) -> None:
        """What is there, and what was remembered, surely on the disk."""
        with self._image.open("wb") as image:
            image.truncate(32 * 1024 * 1024)
        run("mkfs.ext4", "-q", str(self._image))
        with mounted(self._image, self._folder / "mnt") as root:
            for path, content in files.items():
                (root / path).parent.mkdir(exist_ok=True)
                (root / path).write_text(content)
            for path, content in undo.items():
                (root / ".undo" / path).parent.mkdir(parents=True, exist_ok=True)
                (root / ".undo" / path).write_text(content)

    def after(self, *lines: str) -> tuple[str, dict[str, str]]:
        """What a script says, and the files that are there after a power cut at its end."""
        with mounted(self._image, self._folder / "mnt") as root:
            script = fragment(
                *("apply.sh", "stage.sh"),
                HD_ROOT=str(root),
                HD_HAPROXY="c-haproxy",
                HD_KEEPALIVED="c-keepalived",
                HD_HEALTH_PORT="1",
                main="\n".join([WITHOUT_ENGINE, *lines]),
            )
            done = subprocess.run(
                ["sh"], input=script, capture_output=True, text=True, timeout=60, check=False
            )
            shutil.copy(self._image, self._folder / "cut")
        with mounted(self._folder / "cut", self._folder / "mnt") as root:
            found = {
                str(file.relative_to(root)): file.read_text()
                for file in root.rglob("*")
                if file.is_file()
            }
        return done.stdout + done.stderr, found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def under(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{path}": text for path, text in files.items() if path[:5] != "track"}


def test_what_was_remembered_is_whole(node: Node) -> None:
    node.make(FILES, {})
    said, found = node.after("save_undo && emit done")
    assert "@t done" in said
    remembered = {path: text for path, text in found.items() if path.startswith(".undo/")}
    remembered.pop(".undo/sums", None)
    assert remembered == under(".undo", FILES)


def test_what_was_put_back_is_whole(node: Node) -> None:
    node.make(FILES, BEFORE)
    said, found = node.after("restore_role haproxy a a USR2 && restore_role keepalived b b HUP")
    assert (
        found.items() >= {p: t for p, t in BEFORE.items() if "/" in p and "track" not in p}.items()
    ), said


def test_what_was_recorded_is_whole_and_so_is_the_way_back(node: Node) -> None:
    node.make(FILES, {})
    content = "eyJjb25maWd1cmF0aW9uIjogIjEifQ=="
    said, found = node.after(f"save_undo && record {content} 1111 && emit done")
    assert "@t done" in said
    assert found["applied.json"] == '{"configuration": "1"}'
    assert found.items() >= under(".previous", FILES).items()


def test_a_new_track_file_is_whole(node: Node) -> None:
    node.make({**FILES, "haproxy/x": ""}, {})
    _, found = node.after("stage_begin", "track handover", 'sync "$HD_ROOT/track"')
    assert found["track/handover"] == "0\n"


@pytest.mark.parametrize("damaged", ["haproxy/haproxy.cfg", "keepalived/keepalived.conf"])
def test_what_an_older_version_left_empty_is_not_put_back(node: Node, damaged: str) -> None:
    node.make(FILES, {**BEFORE, damaged: ""})
    said, found = node.after("restore")
    assert "the saved configuration is damaged" in said
    assert "@t unrestored" in said
    assert {path: found[path] for path in FILES} == FILES


def test_what_was_damaged_since_is_not_put_back_nor_kept(node: Node) -> None:
    node.make(FILES, {})
    damage = 'echo x >>"$HD_ROOT/.undo/haproxy/haproxy.cfg"'
    said, found = node.after("save_undo", damage, "restore")
    assert "@t unrestored" in said
    assert found["haproxy/haproxy.cfg"] == FILES["haproxy/haproxy.cfg"]
    said, found = node.after("save_undo && emit done")
    assert "@t done" in said
    assert found[".undo/haproxy/haproxy.cfg"] == FILES["haproxy/haproxy.cfg"]
