"""-i, then HADEPLOY_INVENTORY, then ./inventory.yaml."""

from pathlib import Path

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.load import find_inventory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("inventory.yaml", "a.yaml", "b.yaml"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("a.yaml", {"HADEPLOY_INVENTORY": "b.yaml"}, "a.yaml"),
        (None, {"HADEPLOY_INVENTORY": "b.yaml"}, "b.yaml"),
        (None, {"HADEPLOY_INVENTORY": ""}, "inventory.yaml"),
        (None, {}, "inventory.yaml"),
    ],
)
def test_the_nearest_word_wins(
    folder: Path, option: str | None, environ: dict[str, str], expected: str
) -> None:
    assert find_inventory(option, environ, folder) == folder / expected


def test_absolute_paths_stay(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert find_inventory(str(folder / "a.yaml"), {}, elsewhere) == folder / "a.yaml"


@pytest.mark.parametrize(
    ("option", "environ", "said"),
    [
        ("x.yaml", {}, "inventory x.yaml not found (from -i)"),
        (
            None,
            {"HADEPLOY_INVENTORY": "y"},
            "inventory y not found (from HADEPLOY_INVENTORY)",
        ),
        (None, {}, "inventory.yaml not found in "),
    ],
)
def test_a_missing_inventory_is_reported_with_the_next_step(
    tmp_path: Path, option: str | None, environ: dict[str, str], said: str
) -> None:
    with pytest.raises(HadeployError) as caught:
        find_inventory(option, environ, tmp_path)
    assert str(caught.value).startswith(said)
    assert "-i FILE" in str(caught.value.hint)
    assert caught.value.code == ExitCode.USAGE
