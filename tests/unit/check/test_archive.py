"""The content of an image archive on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hadeploy.check.archive import read_archive


def made(path: Path, files: dict[str, Any]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


CLASSIC = {
    "abc.json": {"architecture": "arm64", "os": "linux"},
    "manifest.json": [{"Config": "abc.json", "RepoTags": ["haproxy:3.2.21"], "Layers": []}],
}
OCI = {
    "blobs/sha256/abc": {"architecture": "amd64"},
    "index.json": {},
    "manifest.json": [{"Config": "blobs/sha256/abc", "RepoTags": ["r.io:5000/x/y:1"]}],
}


def test_names_and_architectures_are_read(tmp_path: Path) -> None:
    archive = read_archive(made(tmp_path / "a.tar", CLASSIC))
    assert archive.architecture("haproxy:3.2.21") == "arm64"
    assert archive.architecture("docker.io/library/haproxy:3.2.21") == "arm64"
    assert archive.architecture("haproxy:3.2.20") is None
    assert archive.size > 0
    reported = json.dumps(CLASSIC["abc.json"]).encode()
    assert archive.id_of("docker.io/library/haproxy:3.2.21") == hashlib.sha256(reported).hexdigest()
    assert archive.id_of("haproxy:3.2.20") is None
    assert read_archive(made(tmp_path / "b.tar", OCI)).images == {"r.io:5000/x/y:1": "amd64"}


def test_a_compressed_archive_is_read_too(tmp_path: Path) -> None:
    plain = made(tmp_path / "a.tar", CLASSIC)
    packed = tmp_path / "a.tar.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_archive(packed).images == {"haproxy:3.2.21": "arm64"}
    assert read_archive(packed).size == read_archive(plain).size > 0


@pytest.mark.parametrize("files", [{}, {"manifest.json": {}}, {"manifest.json": [{"RepoTags": 3}]}])
def test_another_tar_is_refused(tmp_path: Path, files: dict[str, Any]) -> None:
    archive = read_archive(made(tmp_path / "a.tar", files))
    assert archive.problem == "it is not an archive of `docker save`" or not archive.images


def test_a_truncated_invalid_or_missing_archive_is_reported(tmp_path: Path) -> None:
    whole = made(tmp_path / "a.tar", CLASSIC).read_bytes()
    short = tmp_path / "short.tar"
    short.write_bytes(gzip.compress(whole)[:60])
    text = tmp_path / "text.tar"
    text.write_text("no tar at all")
    assert read_archive(short).problem
    assert read_archive(text).problem
    assert read_archive(tmp_path / "absent.tar").missing
