"""What nodes need, what is sent for it, and what this machine needs to have."""

from __future__ import annotations

import bz2
import gzip
import io
from pathlib import Path

import pytest
from rich.console import Console

from hadeploy.cli.images import inventory_lines
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.images.compressed_archives import compressed_archives
from hadeploy.images.engines import Engine
from hadeploy.images.fetch import fetch, find_engine
from hadeploy.images.load import Needs, image_needs
from hadeploy.images.push import missing_roles
from hadeploy.plan.steps import NodePlan, Step
from hadeploy.ui.progress import Lines
from tests.unit import builders

HERE = Path("/here")
QUIET = Lines(Console(file=io.StringIO()))
HAPROXY = Step("load-image", "haproxy:3.2.21", "", role="haproxy")
KEEPALIVED = Step("load-image", "osixia/keepalived:2.3.4", "", role="keepalived")


def needs(*turns: NodePlan, **images: dict[str, str]) -> dict[str, Needs]:
    return image_needs(builders.cluster(images=images), HERE, turns)


def test_what_has_an_archive_is_loaded_and_the_rest_is_pulled() -> None:
    turn = NodePlan("n1", (HAPROXY, KEEPALIVED, Step("write-record", "r", "")))
    assert needs(turn, haproxy={"archive": "h.tar"}) == {
        "n1": Needs((KEEPALIVED.subject,), {HERE / "h.tar": (HAPROXY.subject,)})
    }


def test_an_archive_with_both_images_is_loaded_once() -> None:
    both = {"archive": "both.tar"}
    turn = NodePlan("n1", (HAPROXY, KEEPALIVED))
    assert needs(turn, haproxy=both, keepalived=both) == {
        "n1": Needs((), {HERE / "both.tar": (HAPROXY.subject, KEEPALIVED.subject)})
    }


def test_a_node_is_observed_as_its_steps_need() -> None:
    first, second = NodePlan("n1", (HAPROXY,)), NodePlan("n1", (KEEPALIVED,))
    assert needs(first, second, NodePlan("n2", ())) == {
        "n1": Needs((HAPROXY.subject, KEEPALIVED.subject))
    }


def test_an_archive_is_compressed_once_and_one_that_is_compressed_is_left_alone(
    tmp_path: Path,
) -> None:
    plain, packed, other = (tmp_path / name for name in ("a.tar", "b.tar.gz", "c.tar.bz2"))
    content = b"image " * 100_000
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    other.write_bytes(bz2.compress(content))
    with compressed_archives([plain, plain, packed, other, plain], QUIET) as sent_as:
        assert sent_as.keys() == {plain, packed, other}
        assert sent_as[packed] == packed
        assert sent_as[other] == other
        assert gzip.decompress(sent_as[plain].read_bytes()) == content
        assert sent_as[plain].stat().st_size < len(content) / 50
        made = sent_as[plain]
    assert not made.exists()


def test_a_missing_archive_is_reported() -> None:
    with pytest.raises(HadeployError) as caught, compressed_archives([Path("/absent.tar")], QUIET):
        pass
    assert caught.value.message == "/absent.tar: No such file or directory"
    assert caught.value.code == ExitCode.USAGE


def test_who_lacks_what() -> None:
    cluster = builders.cluster()
    looks = builders.healthy(cluster)
    assert missing_roles(cluster, looks) == []
    assert missing_roles(cluster, {**looks, "n2": builders.empty("n2")}) == [
        "haproxy",
        "keepalived",
    ]


def test_the_lines_for_the_inventory_are_shown_unless_it_has_them() -> None:
    files = ["/here/images/h.tar.gz", "/elsewhere/k.tar.gz"]
    assert inventory_lines(builders.cluster(), HERE, files) == (
        "images:\n  haproxy:\n    archive: images/h.tar.gz\n"
        "  keepalived:\n    archive: /elsewhere/k.tar.gz"
    )
    images = {"haproxy": {"archive": "images/h.tar.gz"}, "keepalived": {"archive": files[1]}}
    assert inventory_lines(builders.cluster(images=images), HERE, files) == ""


def test_a_machine_without_an_engine_gets_a_hint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    broken = tmp_path / "podman"
    broken.write_text("#!/bin/sh\necho no storage >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(HadeployError, match="no engine on this machine") as caught:
        find_engine()
    assert caught.value.detail == (
        "docker: not installed\npodman: no storage\nnerdctl: not installed\nskopeo: not installed"
    )
    assert "hadeploy images save" in str(caught.value.hint)


def test_a_digest_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    reference = f"haproxy@sha256:{'0' * 64}"
    with pytest.raises(HadeployError, match="does not contain digests"):
        fetch(Engine("docker"), reference, "amd64", tmp_path / "a.tar.gz", QUIET)
    assert list(tmp_path.iterdir()) == []
