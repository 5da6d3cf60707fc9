"""The example files are valid, complete, and match the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from ruamel.yaml import YAML

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.load import read_inventory
from hadeploy.inventory.priorities import check_weight, priorities
from hadeploy.inventory.schema import json_schema

ROOT = Path(__file__).parents[3]
FULL = ROOT / "inventory.example.yaml"
CLASSIC = ROOT / "examples/classic.yaml"
MINIMAL = ROOT / "examples/minimal.yaml"


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def uncommented(text: str) -> str:
    """The full form with the commented-out keys."""
    text = re.sub(r"^(\s{2,8})# (?=\s*(?:- |[a-z_]+:))", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"\b(ssh|registry): \{\} ", r"\1:    ", text)


def keys_of_model(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        yield key
        if inner := model_in(field.annotation):
            yield from keys_of_model(inner, f"{key}.")


def model_in(annotation: Any) -> type[BaseModel] | None:
    if arguments := get_args(annotation):
        return next((m for a in arguments if (m := model_in(a))), None)
    return (
        annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    )


def keys_of_data(data: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(data, list):
        for element in data:
            yield from keys_of_data(element, prefix)
    elif isinstance(data, dict):
        for key, value in data.items():
            yield f"{prefix}{key}"
            yield from keys_of_data(value, f"{prefix}{key}.")


def test_every_key_of_the_model_is_in_the_full_form_and_explained() -> None:
    data = plain(uncommented(FULL.read_text()))
    assert set(keys_of_data(data)) == set(keys_of_model(Cluster))
    Cluster.model_validate(data)


def test_every_key_has_a_description_for_editors() -> None:
    def undescribed(model: type[BaseModel]) -> Iterator[str]:
        for name, field in model.model_fields.items():
            if not field.description:
                yield f"{model.__name__}.{name}"
            if inner := model_in(field.annotation):
                yield from undescribed(inner)

    assert list(undescribed(Cluster)) == []


def test_the_full_form_has_the_defaults() -> None:
    full, minimal = read_inventory(FULL), read_inventory(MINIMAL)
    assert full.cluster == minimal.cluster.model_copy(update={"ssh": full.cluster.ssh})
    assert full.cluster.ssh == type(full.cluster.ssh)()


@pytest.mark.parametrize("path", [FULL, CLASSIC, MINIMAL], ids=lambda p: p.name)
def test_examples_are_the_classic_set_up_without_a_warning(path: Path) -> None:
    cluster, warnings, *_ = read_inventory(path)
    assert warnings == ()
    assert [str(vip.ip) for vip in cluster.vip] == ["10.53.61.200"]
    assert [str(n.address) for n in cluster.nodes] == [
        "10.53.61.159",
        "10.53.61.195",
        "10.53.61.43",
    ]
    assert [(x.port, x.backend_port) for x in cluster.listeners] == [(9443, 6443)]


def test_minimal_is_three_lines() -> None:
    assert len(MINIMAL.read_text().splitlines()) == 3


def test_classic_is_the_recipe_with_the_weight_put_right() -> None:
    cluster = read_inventory(CLASSIC).cluster
    assert list(priorities(cluster).values()) == [100, 90, 80]
    assert (check_weight(cluster), cluster.vrrp.preempt, cluster.vrrp.mode) == (
        21,
        True,
        "multicast",
    )
    assert cluster.images.haproxy.reference == "haproxy:2.1.2"
    assert cluster.images.keepalived.reference == "osixia/keepalived:2.0.19"
    assert cluster.container_names[0] == "diamond-haproxy"


@pytest.mark.parametrize("path", [FULL, CLASSIC, MINIMAL], ids=lambda p: p.name)
def test_examples_match_the_schema(path: Path) -> None:
    Draft202012Validator(json_schema()).validate(plain(path.read_text()))


def test_the_schema_is_one_and_becomes_json() -> None:
    Draft202012Validator.check_schema(json.loads(json.dumps(json_schema())))


@pytest.mark.parametrize(
    ("data", "valid"),
    [
        ({"vip": ["10.0.0.9"], "nodes": [{"address": "10.0.0.1"}, "10.0.0.2"]}, True),
        ({"vip": "10.0.0.9", "nodes": ["a"], "listeners": [{"backends": ["10.0.0.1:6443"]}]}, True),
        ({"vip": "10.0.0.9", "nodes": ["a"], "haproxy": {"hard_stop_after": None}}, True),
        ({"vip": "10.0.0.9", "nodes": ["a"], "templates": {"extra": {"global": ""}}}, True),
        ({"vip": "10.0.0.9"}, False),
        ({"vip": [], "nodes": ["a"]}, False),
        ({"vip": "10.0.0.9", "nodes": [5]}, False),
        ({"vip": "10.0.0.9", "nodes": ["a"], "nodse": []}, False),
        ({"vip": "10.0.0.9", "nodes": ["a"], "vrrp": {"preempt": "yes"}}, False),
    ],
)
def test_the_schema_accepts_short_forms_and_rejects_mistakes(data: Any, valid: bool) -> None:
    assert Draft202012Validator(json_schema()).is_valid(data) is valid
