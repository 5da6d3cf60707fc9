"""Every file is a cluster or an InventoryError with real places."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.load import inventory_from_text, load_inventory
from hadeploy.inventory.problems import InventoryError
from tests.unit.examples import examples

EXAMPLE = (Path(__file__).parents[3] / "inventory.example.yaml").read_text()
VALID = YAML(typ="safe", pure=True).load(EXAMPLE)
QUICK = examples(20)


def survives(text: str) -> None:
    try:
        inventory_from_text(text)
    except InventoryError as error:
        check(error)


def check(error: InventoryError) -> None:
    assert error.problems
    lines = str(error).encode().decode().splitlines()
    assert len(lines) == len(error.problems)
    for problem in error.problems:
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message.isprintable()
        assert "Input should" not in problem.message
        assert "pydantic" not in problem.message


def dumped(data: Any) -> str:
    stream = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.dump(data, stream)
    return str(stream.getvalue())


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "inventory.yaml"


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        load_inventory(path)
    except InventoryError as error:
        check(error)


@QUICK
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    survives(text)


@QUICK
@given(st.text(alphabet="vipnodes: -[]{}&a*!|>%#?'\"\n\t<,0.1\\x", max_size=80))
def test_text_of_yaml_characters(text: str) -> None:
    survives(text)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["10.0.0.1", "::1", "5s", "yes", 10**400, float("inf"), "~", "<<", "\ud800"])
)
structures = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*Cluster.model_fields, "x", ""]), inner, max_size=4)
    ),
    max_leaves=12,
)


@QUICK
@given(structures)
def test_any_structure(data: Any) -> None:
    try:
        text = dumped(data)
    except (ValueError, UnicodeError):
        return
    survives(text)


def paths(data: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [prefix]
    entries: Any = ()
    if isinstance(data, (dict, list)):
        entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        found += paths(value, (*prefix, key))
    return found


def replaced(data: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = replaced(data[path[0]], path[1:], new)
    return copy


@QUICK
@given(st.sampled_from(paths(VALID)), structures)
def test_a_valid_inventory_with_one_value_replaced(path: tuple[Any, ...], new: Any) -> None:
    """Past YAML, where most mistakes are: straight into the model, and through a file of JSON."""
    text = as_json(replaced(VALID, path, new))
    survives(text)


def as_json(data: Any) -> str:
    """JSON is YAML 1.2, and quicker to write."""
    return json.dumps(data, ensure_ascii=True).replace("Infinity", ".inf").replace("NaN", ".nan")


@QUICK
@given(st.data())
def test_a_valid_inventory_with_a_piece_cut_or_put_in(data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(EXAMPLE)))
    end = data.draw(st.integers(begin, min(begin + 40, len(EXAMPLE))))
    piece = data.draw(st.text(alphabet=" \n\t:-[]{}&*!#'\"a1%@`", max_size=4))
    survives(EXAMPLE[:begin] + piece + EXAMPLE[end:])
