"""What an inventory only points to gets digests; a password cannot be guessed from its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from hadeploy.desired.folders import shipped_templates
from hadeploy.desired.templates import environment
from hadeploy.observe.applied import Applied
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.steps import NodePlan, Plan, Step
from hadeploy.rollout.contents import contents_of
from tests.unit import builders
from tests.unit.check.test_archive import CLASSIC, made

LOADS = Plan((NodePlan("n1", (Step("load-image", "haproxy:3.2.21", "missing", role="haproxy"),)),))
NOTHING = Plan(())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Templates of the user's: one of three, which includes another."""
    for name in ("part.j2", "unused.j2"):
        (tmp_path / name).write_text("    # a line\n")
    text = (shipped_templates() / "haproxy.cfg.j2").read_text()
    (tmp_path / "haproxy.cfg.j2").write_text(f"{text}{{% include 'part.j2' %}}")
    yield tmp_path
    environment.cache_clear()


def test_each_template_that_is_used_counts(folder: Path) -> None:
    inputs = Inputs(builders.cluster(), folder, folder, None)
    jinja = environment(folder)
    jinja.get_template("haproxy.cfg.j2")
    jinja.get_template("part.j2")
    jinja.get_template("keepalived.conf.j2")
    found = contents_of(inputs, NOTHING, None)
    assert sorted(found) == ["templates.folder/haproxy.cfg.j2", "templates.folder/part.j2"]
    environment.cache_clear()
    (folder / "part.j2").write_text("    # another line\n")
    environment(folder).get_template("part.j2")
    again = contents_of(inputs, NOTHING, None)
    assert again["templates.folder/part.j2"] != found["templates.folder/part.j2"]


def test_a_password_is_not_hashed_plainly() -> None:
    cluster = builders.cluster(vrrp={"password": "env:VRRP"})

    def digest(password: str) -> str:
        inputs = Inputs(cluster, Path(), None, SecretStr(password))
        return contents_of(inputs, NOTHING, None)["vrrp.password"]

    assert digest("secret") == digest("secret") != digest("another")
    for hashed in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        assert digest("secret") not in hashed(b"secret").hexdigest()


def test_an_archive_counts_when_it_is_loaded(tmp_path: Path) -> None:
    archive = made(tmp_path / "haproxy.tar", CLASSIC)
    cluster = builders.cluster(
        images={"haproxy": {"reference": "haproxy:3.2.21", "archive": archive.name}}
    )
    inputs = Inputs(cluster, tmp_path, None, None)
    loaded = contents_of(inputs, LOADS, None)
    assert list(loaded) == ["images.haproxy.archive"]
    # It is read only where it is needed, and only once.
    archive.unlink()
    record = Applied((), "", "", "", "", {}, contents=loaded)
    assert contents_of(inputs, NOTHING, record) == loaded
    assert contents_of(inputs, NOTHING, None) == {}
