"""What an inventory says is data: refused, or taken by the real programs as what it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from ruamel.yaml import YAML

from hadeploy.errors import HadeployError
from hadeploy.inventory.problems import InventoryError
from hadeploy.inventory.secrets import vrrp_password
from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster
from tests.lab.programs import haproxy_says, keepalived_says, rendered
from tests.lab.valid_inventories import inventories

FULL = Path(__file__).parents[1] / "inventories/everything.yaml"
EVERYTHING: dict[str, Any] = YAML(typ="safe").load(FULL.read_text())
TRACE = "/run/hadeploy-trace"
HOSTILE = [
    "x\nglobal\n    nosuchword",
    "x\r\n}",
    'x" y "z',
    "x'y",
    "$(touch /run/hadeploy-trace)",
    "`touch /run/hadeploy-trace`",
    ";touch /run/hadeploy-trace;",
    "{{ 7 * 7 }}{% raw %}",
    "${HOME}",
    "x}\n}\nstatic_ipaddress {",
    "x # y",
    "x ! y",
    "x\\",
    "%[env(HOME)]",
    "a b",
    "-x",
    "zz9",
    "1.2.3.4.5:99999",
    "\u00e4\u2028",
]


def texts(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where text is in an inventory, but for lines that are meant to be taken verbatim."""
    if isinstance(data, (dict, list)) and path[-1:] != ("extra",):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from texts(value, (*path, key))
    elif isinstance(data, str):
        yield path


def changed(path: tuple[Any, ...], value: str) -> dict[str, Any]:
    """The full inventory with one other value."""
    inventory = copy.deepcopy(EVERYTHING)
    place: Any = inventory
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return inventory


class Judges:
    """The real programs, asked about each pair of files once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[str] = set()

    def take(self, inventory: dict[str, Any], password: str = "s3cr#t!x") -> bool:
        """Whether the inventory is accepted; both programs then take its files, silently."""
        file = self._folder / "inventory.yaml"
        file.write_text(json.dumps(inventory))
        try:
            node, *_ = rendered(file, self._folder, password)
        except InventoryError:
            return False
        said = "".join(p.read_text() for p in sorted(node.rglob("*")) if p.is_file())
        if said not in self._known:
            self._known.add(said)
            assert haproxy_says(node) == (0, ""), inventory
            assert keepalived_says(node) == (0, ""), inventory
        return True


def test_a_hostile_value_is_refused_or_is_nothing_but_a_value(tmp_path: Path) -> None:
    judges = Judges(tmp_path)
    accepted = [
        (path, value)
        for path in texts(EVERYTHING)
        for value in [prefix + value for value in HOSTILE for prefix in ("", "/")]
        if judges.take(changed(path, value))
    ]
    assert accepted, "some are harmless where they are"
    assert not Path(TRACE).exists()


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=8))
def test_every_password_that_is_accepted_can_be_written(tmp_path: Path, password: str) -> None:
    try:
        vrrp_password(SecretStr(password), "env:X")
    except HadeployError:
        return
    assert Judges(tmp_path).take(EVERYTHING, password)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(inventories)
def test_every_accepted_inventory_is_accepted_by_the_real_programs(
    tmp_path: Path, inventory: dict[str, Any]
) -> None:
    # One that is refused proves nothing, and is not counted.
    assume(Judges(tmp_path).take(inventory))


def test_hostile_values_on_real_nodes(fresh: Cluster) -> None:
    root = "/etc/ha $(hostname) `hostname`;{{ 7*7 }} #&|"
    password = fresh.folder / "password"
    password.write_text("}#!;`&|{")
    password.chmod(0o600)
    fresh.inventory["paths"] = {"root": root}
    fresh.inventory["vrrp"] = {"password": f"file:{password}"}
    fresh.up()
    assert fresh.up()["changes"] == 0
    for node in fresh.lab.nodes:
        mounts = fresh.node(node, f"docker inspect {HAPROXY} {KEEPALIVED}")
        assert json.dumps(f"{root}/kube-lb/haproxy") in mounts
    fresh.inventory["listeners"] = [{"balance": "source"}]
    assert fresh.up()["changes"] > 0
    fresh.ok("down", "--yes")
    for node in fresh.lab.nodes:
        # That one, which is not ours alone, and nothing in it.
        assert fresh.node(node, "find '/etc/ha '*; rmdir '/etc/ha '*") == root
