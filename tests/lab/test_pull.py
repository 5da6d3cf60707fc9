"""Images from a registry; a real one, on the lab's own bridge."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.harness import Cluster, eventually

PORT = 5000


@pytest.fixture
def registry(fresh: Cluster, tmp_path: Path) -> Iterator[str]:
    """A registry that holds haproxy; its host:port."""
    where = f"{fresh.lab.addressing.controller.v4.ip}:{PORT}"
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {tmp_path}/images\n"
        f"http:\n  addr: {where}\nlog:\n  level: error\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        answers = ["curl", "--silent", "--fail", f"http://{where}/v2/"]
        eventually(
            lambda: subprocess.run(answers, check=False, capture_output=True).returncode == 0,
            "the registry answers",
        )
        fresh.lab.load_images("haproxy:2.6.12")
        fresh.node("n1", f"docker tag haproxy:2.6.12 {where}/haproxy:2.6.12")
        fresh.node("n1", f"docker push {where}/haproxy:2.6.12")
        fresh.node("n1", f"docker rmi {where}/haproxy:2.6.12")
        yield where
    finally:
        process.terminate()
        process.wait()


def test_missing_images_are_pulled(fresh: Cluster, registry: str) -> None:
    fresh.inventory["images"]["haproxy"] = {"reference": f"{registry}/haproxy:2.6.12"}
    document = fresh.up()
    reasons = {
        s["reason"] for n in document["plan"] for s in n["steps"] if "haproxy:" in s["subject"]
    }
    assert reasons == {"not on the node; pulled"}
    assert fresh.up()["changes"] == 0
    fresh.ok("down", "--yes")


def test_an_image_that_cannot_be_pulled_changes_nothing(served: Cluster) -> None:
    before = served.snapshot()
    where = f"{served.lab.addressing.controller.v4.ip}:1"
    served.inventory["images"]["haproxy"] = {"reference": f"{where}/nothing:1"}
    result = served.run("up")
    assert result.code == 1
    assert "docker pull failed" in result.err
    assert "connection refused" in result.err
    assert served.snapshot() == before


def test_an_archive_that_is_not_there_or_holds_something_else_is_told(served: Cluster) -> None:
    served.inventory["images"]["haproxy"] = {"reference": "haproxy:9", "archive": "absent.tar"}
    result = served.run("up")
    assert result.code == 2
    assert "absent.tar: no such file" in result.err
    other = Cluster(served.lab, served.folder).inventory["images"]["keepalived"]["archive"]
    served.inventory["images"]["haproxy"] = {"reference": "haproxy:9", "archive": other}
    result = served.run("up")
    assert result.code == 2
    assert "the archive does not hold haproxy:9" in result.err
