"""Images from a registry; a real one, on the lab's own bridge."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.faults import DOCKER_HANGS
from tests.lab.harness import Cluster, eventually
from tests.lab.registry import Registry, serving

USER, PASSWORD = "robot", "s3cr#t $(id) 'pull\""
# Where a login could be left behind.
LEFT = "ls -d /run/hadeploy/*.login.* /root/.docker 2>/dev/null"


@pytest.fixture
def registry(fresh: Cluster, tmp_path: Path) -> Iterator[Registry]:
    """A registry with a login that holds both images, and an inventory that names it as mirror."""
    with serving(fresh.lab, tmp_path, (USER, PASSWORD)) as registry:
        images = fresh.inventory["images"]
        names = [registry.put(images[role]["reference"], "team/") for role in images]
        forget(fresh, *names)
        for role in images:
            del images[role]["archive"]
        fresh.inventory["images"] |= {
            "registry": {
                "mirror": f"{registry.where}/team",
                "user": USER,
                "password": "env:REGISTRY_PASSWORD",
            }
        }
        yield registry
        forget(fresh, *names)


def forget(cluster: Cluster, *references: str) -> None:
    """The nodes lack these images."""
    for node in cluster.lab.nodes:
        cluster.node(node, f"docker rmi --force {' '.join(references)}", check=False)


def nothing_left(cluster: Cluster) -> bool:
    """Whether no node keeps a login."""
    return not any(cluster.node(node, LEFT, check=False) for node in cluster.lab.nodes)


# Where the Docker client finds such a program, it gives it every password to keep.
HELPER = "/usr/local/bin/docker-credential-secretservice"


@pytest.fixture
def helper(fresh: Cluster) -> Iterator[str]:
    """A file on n2 with the input of the credential helper there."""
    kept = "/run/kept-passwords"
    script = f"#!/bin/sh\ncat >>{kept}\n"
    fresh.lab.exec("n2", ["install", "-m", "755", "/dev/stdin", HELPER], input=script)
    yield kept
    fresh.node("n2", f"rm -f {HELPER} {kept}")


# The text comes on stdin, since this is a command line, too; it ends with its input.
LOOK = f"""read -r text
while :; do
    read -r -t 0.01; [ $? -gt 128 ] || break
    grep -alF -- "$text" /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
    [ -z "$({LEFT})" ] || echo login
done"""


@contextmanager
def watching(cluster: Cluster, node: str, text: str) -> Iterator[set[str]]:
    """Look for a text in every command line and environment of a node, all the time.

    Afterwards the set has the files that had it, and `login` if there was one to be found.
    """
    command, environment = cluster.lab.exec_command(node, ["bash", "-c", LOOK])
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True)
    assert process.stdin
    process.stdin.write(f"{text}\n")
    process.stdin.flush()
    seen: set[str] = set()
    try:
        yield seen
    finally:
        seen.update(process.communicate()[0].split())


def test_images_are_pulled_from_the_mirror_with_a_login_that_does_not_stay(
    fresh: Cluster, registry: Registry, helper: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "wrong")
    before = fresh.snapshot()
    refused = fresh.run("up")
    assert refused.code == 1
    assert f"docker login to {registry.where} as {USER} failed" in refused.err
    assert fresh.snapshot() == before
    assert nothing_left(fresh)

    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    # A laptop that dies in the middle: the node ends its pull, and forgets.
    assert fresh.accident("kill", "pulling", "up").code == -signal.SIGKILL
    eventually(lambda: nothing_left(fresh), "no login is left")
    forget(fresh, f"{registry.where}/team/haproxy:2.6.12")
    with watching(fresh, "n2", PASSWORD) as seen:
        result = fresh.ok("up", "--json", "--lock-wait", "60")
    assert seen == {"login"}, "looked while the login was there, and found it nowhere else"
    assert PASSWORD not in result.out + result.err
    assert nothing_left(fresh)
    assert fresh.node("n2", f"cat {helper}", check=False) == ""
    reasons = {
        s["subject"]: s["reason"]
        for n in result.document["plan"]
        for s in n["steps"]
        if s["action"] == "load-image"
    }
    assert reasons[f"{registry.where}/team/haproxy:2.6.12"] == "not on the node; pulled"
    runs = "docker inspect --format '{{.Config.Image}}' kube-lb-haproxy"
    assert fresh.node("n3", runs) == f"{registry.where}/team/haproxy:2.6.12"
    assert fresh.up()["changes"] == 0
    fresh.ok("down", "--yes")


def test_check_asks_the_registry_and_pulls_nothing(
    fresh: Cluster, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def images() -> set[tuple[str, str]]:
        result = fresh.run("check", "--json")
        assert PASSWORD not in result.out + result.err
        checks = result.document["checks"]
        return {(c["verdict"], c["message"]) for c in checks if c["id"] == "image"}

    before = fresh.snapshot()
    haproxy, keepalived = (
        f"{registry.where}/team/{fresh.inventory['images'][role]['reference']}"
        for role in ("haproxy", "keepalived")
    )
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    with watching(fresh, "n2", PASSWORD) as seen:
        assert images() == {
            ("pass", f"{image} will be pulled; {registry.where} has it")
            for image in (haproxy, keepalived)
        }
    assert not seen
    fresh.inventory["images"]["haproxy"]["reference"] = "nothing:1"
    assert {verdict for verdict, _ in images()} == {"pass", "fail"}
    monkeypatch.setenv("REGISTRY_PASSWORD", "wrong")
    assert {verdict for verdict, _ in images()} == {"fail"}
    assert fresh.snapshot() == before
    assert nothing_left(fresh)


@pytest.mark.exhaustive
def test_an_image_that_is_named_by_its_digest_is_pulled_changed_and_brought_back(
    fresh: Cluster, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    registry.put("haproxy:3.0.11", "team/")
    older, newer = (registry.digest(f"haproxy:{tag}", "team/") for tag in ("2.6.12", "3.0.11"))
    pinned = f"haproxy@{older}"
    fresh.inventory["images"]["haproxy"]["reference"] = pinned
    checks = fresh.run("check", "--json").document["checks"]
    reported = {c["message"] for c in checks if c["id"] == "image" and "haproxy@" in c["message"]}
    assert reported == {f"{registry.where}/team/{pinned} will be pulled; {registry.where} has it"}
    fresh.ok("up")
    runs = "docker inspect --format '{{.Config.Image}}' kube-lb-haproxy"
    version = "docker exec kube-lb-haproxy haproxy -v"
    assert fresh.node("n3", runs) == f"{registry.where}/team/{pinned}"
    assert fresh.up()["changes"] == 0

    # With its tag as well, for people; what counts is the digest.
    fresh.inventory["images"]["haproxy"]["reference"] = f"haproxy:3.0.11@{newer}"
    fresh.ok("up")
    assert fresh.node("n3", runs) == f"{registry.where}/team/haproxy:3.0.11@{newer}"
    assert "3.0.11" in fresh.node("n3", version)
    assert fresh.up()["changes"] == 0
    fresh.ok("up", "--rollback")
    assert fresh.node("n3", runs) == f"{registry.where}/team/{pinned}"
    assert "2.6.12" in fresh.node("n3", version)

    before = fresh.snapshot()
    absent = f"haproxy@sha256:{'0' * 64}"
    fresh.inventory["images"]["haproxy"]["reference"] = absent
    refused = fresh.run("up")
    assert refused.code == 1
    assert "manifest unknown" in refused.err
    assert fresh.snapshot() == before
    pushed = fresh.run("images push")
    assert pushed.code == 2
    assert "an archive does not contain digests" in pushed.err
    fresh.inventory["images"]["haproxy"]["reference"] = pinned
    fresh.ok("down", "--yes")


@pytest.mark.exhaustive
def test_a_pull_ends_when_the_engine_hangs(
    fresh: Cluster, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", PASSWORD)
    inject = DOCKER_HANGS.command(fresh.lab, "n2", DOCKER_HANGS.inject)
    try:
        result = fresh.accident(f"shell:{inject}", "n2 pulling", "up")
    finally:
        fresh.node("n2", DOCKER_HANGS.heal)
    assert result.code == 1
    assert "the Docker engine no longer answers" in result.err
    fresh.ok("up", "--lock-wait", "60")
    fresh.ok("down", "--yes")


def test_an_image_that_cannot_be_pulled_changes_nothing(served: Cluster) -> None:
    before = served.snapshot()
    where = f"{served.lab.addressing.controller.v4.ip}:1"
    served.inventory["images"]["haproxy"] = {"reference": f"{where}/nothing:1"}
    planned = served.run("plan")
    assert planned.code == 3
    assert f"{where}/nothing:1 cannot be pulled" in planned.err
    result = served.run("up")
    assert result.code == 1
    assert "docker pull failed" in result.err
    assert "connection refused" in result.err
    assert served.snapshot() == before


def test_a_missing_or_wrong_archive_is_reported(served: Cluster) -> None:
    served.inventory["images"]["haproxy"] = {"reference": "haproxy:9", "archive": "absent.tar"}
    result = served.run("up")
    assert result.code == 2
    assert "absent.tar: no such file" in result.err
    other = Cluster(served.lab, served.folder).inventory["images"]["keepalived"]["archive"]
    served.inventory["images"]["haproxy"] = {"reference": "haproxy:9", "archive": other}
    result = served.run("up")
    assert result.code == 2
    assert "does not contain haproxy:9, but osixia/keepalived:2.2.7" in result.err
