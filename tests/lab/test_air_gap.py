"""Nodes without a registry: `images save` and `images push`, with a real skopeo on this side."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hadeploy.check.archive import read_archive
from tests.lab.harness import Cluster, Result
from tests.lab.registry import serving


def sent_to(result: Result) -> list[str]:
    """The nodes that were sent something."""
    return sorted(d["node"] for d in result.document["images"] if d["state"] == "sent")


def test_images_reach_nodes_that_no_registry_reaches(
    fresh: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = fresh.inventory["images"]
    references = {role: image["reference"] for role, image in images.items()}
    before = fresh.snapshot()
    with serving(fresh.lab, tmp_path, ("me", "secret")) as registry:
        names = {role: registry.put(name, "far/") for role, name in references.items()}
        forget = f"docker rmi --force {' '.join(names.values())}"
        fresh.inventory["images"] = {
            **{role: {"reference": name} for role, name in references.items()},
            "registry": {"mirror": f"{registry.where}/far"},
        }
        for node in fresh.lab.nodes:
            fresh.node(node, forget, check=False)
        with monkeypatch.context() as mine:
            for name, value in registry.for_skopeo().items():
                mine.setenv(name, value)
            # Fetched here and now, for all three.
            assert sent_to(fresh.ok("images push", "--json")) == [
                "n1",
                "n1",
                "n2",
                "n2",
                "n3",
                "n3",
            ]
            # The nodes are asked what they are.
            saved = fresh.ok("images save", "--json").document["images"]
            wrong = fresh.run("images save", "--platform", "linux/riscv64")
            assert wrong.code == 1
            assert "for riscv64" in wrong.err
    assert sorted(path.name for path in (tmp_path / "images").iterdir() if path.is_file()) == [
        "far-haproxy-2.6.12-amd64.tar.gz",
        "far-osixia-keepalived-2.2.7-amd64.tar.gz",
    ]
    for role, one in zip(("haproxy", "keepalived"), saved, strict=True):
        path = Path(one["archive"])
        assert read_archive(path).images == {names[role]: "amd64"}
        assert path.stat().st_mode & 0o777 == 0o644
        fresh.inventory["images"][role]["archive"] = f"images/{path.name}"

    # The registry is gone; what is there is skipped, and who is away does not hold up the others.
    for node in ("n2", "n3"):
        fresh.node(node, forget)
    fresh.inventory["ssh"]["connect_timeout"] = 2
    fresh.lab.link("n3", up=False)
    try:
        result = fresh.run("images push", "--json")
    finally:
        fresh.lab.link("n3", up=True)
    assert result.code == 3
    assert [error["node"] for error in result.document["errors"]] == ["n3"]
    assert sent_to(result) == ["n2", "n2"]
    fresh.inventory["ssh"]["connect_timeout"] = 10
    again = fresh.ok("images push", "--json")
    assert Counter(d["state"] for d in again.document["images"]) == {"there": 4, "sent": 2}
    assert "Nothing to send" in fresh.ok("images push").out
    assert fresh.snapshot() == before, "nothing else was done there"

    document = fresh.up()
    assert "load-image" not in {s["action"] for n in document["plan"] for s in n["steps"]}
    runs = "docker inspect --format '{{.Config.Image}}' kube-lb-keepalived"
    assert fresh.node("n1", runs) == names["keepalived"]
    fresh.ok("down", "--yes")
    for node in fresh.lab.nodes:
        fresh.node(node, forget)
