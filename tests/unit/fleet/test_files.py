"""Which inventory files are meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.fleet.files import inventories_among, inventory_files, is_fleet


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a.yaml", "fleet/c.yml", "fleet/b.yaml", "fleet/notes.txt", "fleet/.hid.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "fleet" / "old.yaml").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "again.yaml").symlink_to("a.yaml")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["b.yaml", "a.yml"], ["a.yml", "b.yaml"]),
        (["a.yml", "a.yaml"], ["a.yaml", "a.yml"]),
        (["yaml", "a.yaml~", "a.yaml.j2", "a.json"], []),
        ([".#a.yaml", "._a.yml"], []),
    ],
)
def test_a_folders_inventories(names: list[str], expected: list[str]) -> None:
    assert inventories_among(names) == expected


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (["a.yaml"], ["a.yaml"]),
        (["fleet"], ["fleet/b.yaml", "fleet/c.yml"]),
        (["fleet/c.yml", "a.yaml"], ["fleet/c.yml", "a.yaml"]),
        (["fleet/c.yml", "fleet", "a.yaml"], ["fleet/c.yml", "fleet/b.yaml", "a.yaml"]),
        (["a.yaml", "./a.yaml", "again.yaml"], ["a.yaml"]),
        (["none.yaml", "a.yaml"], ["none.yaml", "a.yaml"]),
        (["a\0b"], ["a\0b"]),
    ],
)
@pytest.mark.usefixtures("here")
def test_each_file_once_in_the_order_of_the_command_line(
    named: list[str], expected: list[str]
) -> None:
    assert inventory_files(named) == expected


@pytest.mark.usefixtures("here")
def test_a_folder_without_any_is_an_error_that_names_it() -> None:
    with pytest.raises(HadeployError, match=r"empty: this folder contains no \*\.yaml") as caught:
        inventory_files(["fleet", "empty"])
    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("named", "fleet"),
    [
        ([], False),
        (["a.yaml"], False),
        (["none"], False),
        (["a\0b"], False),
        (["a" * 5000], False),
        (["fleet"], True),
        (["empty"], True),
        (["a.yaml", "a.yaml"], True),
    ],
    ids=lambda value: str(value)[:20],
)
@pytest.mark.usefixtures("here")
def test_a_fleet_is_a_folder_or_several(named: list[str], fleet: bool) -> None:
    assert is_fleet(named) is fleet
