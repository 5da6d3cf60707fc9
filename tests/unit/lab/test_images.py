from __future__ import annotations

import io
import json
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest

from hadeploy.errors import HadeployError
from hadeploy.lab.images import archive, rootfs, store
from hadeploy.lab.images.archive import Entry
from hadeploy.lab.images.recipes import RECIPES


def test_the_images_of_the_inventory_have_recipes() -> None:
    assert set(store.STAND_INS.values()) <= set(RECIPES)


@pytest.mark.parametrize("reference", RECIPES)
def test_every_file_of_a_recipe_is_shipped(reference: str) -> None:
    folder = files("hadeploy.lab.images") / "files"
    for copied in RECIPES[reference].files.values():
        assert (folder / copied.source).is_file()


def test_haproxy_keeps_the_contract_of_the_official_image() -> None:
    config = RECIPES["haproxy:3.0.11"].config
    assert config["Entrypoint"] == ["docker-entrypoint.sh"]
    assert config["Cmd"] == ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
    assert (config["User"], config["StopSignal"]) == ("haproxy", "SIGUSR1")
    assert config["WorkingDir"] == "/var/lib/haproxy"


def test_the_official_haproxy_image_has_no_kill_program() -> None:
    assert "kill" not in RECIPES["haproxy:2.6.12"].tools


def test_a_change_of_content_changes_the_key() -> None:
    keys = {store.content_key(recipe, "amd64") for recipe in RECIPES.values()}
    assert len(keys) == len(RECIPES)
    recipe = RECIPES["haproxy:2.6.12"]
    assert store.content_key(recipe, "amd64") == store.content_key(recipe, "amd64")
    assert store.content_key(recipe, "amd64") != store.content_key(recipe, "arm64")


def test_a_layer_is_sorted_complete_and_always_the_same() -> None:
    entries = [
        Entry.link("usr/bin").at("/bin"),
        Entry.file(b"hello\n", 0o644).at("/etc/deep/greeting"),
        Entry.folder(0o700, 99).at("/var/lib/haproxy"),
    ]
    made = archive.layer(entries)
    assert made == archive.layer(reversed(entries))
    with tarfile.open(fileobj=io.BytesIO(made)) as tar:
        assert tar.getnames() == [
            *("bin", "etc", "etc/deep", "etc/deep/greeting", "var", "var/lib", "var/lib/haproxy"),
        ]
        assert tar.getmember("bin").linkname == "usr/bin"
        assert tar.getmember("var/lib/haproxy").uid == 99
        greeting = tar.extractfile("etc/deep/greeting")
        assert greeting is not None
        assert greeting.read() == b"hello\n"


def test_an_archive_is_what_docker_load_reads(tmp_path: Path) -> None:
    target = tmp_path / "image.tar"
    layer = archive.layer([Entry.file(b"x", 0o644).at("/x")])
    archive.write_archive(
        target,
        reference="haproxy:2.6.12",
        layer_tar=layer,
        config={"User": "haproxy", "StopSignal": "SIGUSR1"},
        architecture="amd64",
    )
    with tarfile.open(target) as tar:

        def read(name: str) -> bytes:
            member = tar.extractfile(name)
            assert member is not None
            return member.read()

        (manifest,) = json.loads(read("manifest.json"))
        config = json.loads(read(manifest["Config"]))
        assert manifest["RepoTags"] == ["haproxy:2.6.12"]
        assert read(manifest["Layers"][0]) == layer
    assert config["config"]["StopSignal"] == "SIGUSR1"
    assert config["rootfs"]["diff_ids"] == [f"sha256:{manifest['Layers'][0].split('/')[0]}"]


def test_a_path_in_a_program_is_replaced_by_a_shorter_one() -> None:
    program = b"\x7fELF..\0/etc/a/long\0/etc/a/longer\0"
    assert rootfs.relocated(program, [("/etc/a/long", "/opt/a")]) == (
        b"\x7fELF..\0/opt/a\0\0\0\0\0\0/etc/a/longer\0"
    )
    for old, new in (("/etc/b", "/b"), ("/etc/a/long", "/etc/a/much/longer")):
        with pytest.raises(HadeployError):
            rootfs.relocated(program, [(old, new)])


def test_an_unknown_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(store, "_architecture", lambda: "amd64")
    with pytest.raises(HadeployError, match="has no recipe"):
        store.ensure_image("haproxy:1.0")


def test_a_cached_image_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(store, "_architecture", lambda: "amd64")
    key = store.content_key(RECIPES["haproxy:2.6.12"], "amd64")
    cached = tmp_path / "hadeploy" / "lab" / f"haproxy-2.6.12-{key}.tar"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"made before")
    assert store.ensure_image("haproxy:2.6.12") == cached
