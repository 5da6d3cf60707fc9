"""`hadeploy.api` without a node."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from hadeploy import api
from hadeploy.actions.user_interface import UserInterface
from hadeploy.cli.main import COMMANDS
from hadeploy.cli.terminal import Terminal
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.ui.console import make_console

# They need no cluster.
NO_FUNCTIONS = {"lab", "schema"}
FUNCTIONS = {"images": ("save_images", "push_images")}


def test_every_command_on_a_cluster_is_a_function() -> None:
    for command in COMMANDS.keys() - NO_FUNCTIONS:
        for name in FUNCTIONS.get(command, (command,)):
            assert callable(getattr(api, name)), name
            assert name in api.__all__


def test_every_export_has_a_docstring() -> None:
    for name in api.__all__:
        assert inspect.getdoc(getattr(api, name)), name


def test_an_inventory_that_is_wrong_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "inventory.yaml"
    path.write_text("name: a\nvip: nonsense\n")
    with pytest.raises(HadeployError) as raised:
        api.load(str(path))
    assert raised.value.code is ExitCode.USAGE
    assert f"{path}:2" in str(raised.value)


def test_without_a_user_every_question_is_declined() -> None:
    with pytest.raises(HadeployError) as raised:
        api.Unattended().confirm("Remove cluster c?", detail="the VIP")
    assert raised.value.code is ExitCode.USAGE
    assert raised.value.detail == "the VIP"


def test_both_user_interfaces_implement_the_protocol() -> None:
    interfaces: list[UserInterface] = [
        api.Unattended(),
        Terminal(make_console(stderr=True, no_color=True), as_json=False),
    ]
    assert len(interfaces) == 2


def test_a_command_file_of_the_command_line_is_thin() -> None:
    """It parses, calls, prints and sets the exit code: the engine is not imported there."""
    folder = Path(api.__file__).parent / "cli"
    for command in COMMANDS.keys() - NO_FUNCTIONS:
        tree = ast.parse((folder / f"{command}.py".replace("undrain", "drain")).read_text())
        modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
        engine = {
            m
            for m in modules
            if m.startswith(("hadeploy.actions", "hadeploy.rollout", "hadeploy.remote"))
        }
        assert engine == set(), command


def test_a_scenario_that_does_not_exist_is_an_error_before_anything_is_broken(
    tmp_path: Path,
) -> None:
    with pytest.raises(HadeployError) as raised:
        api.drill(example(tmp_path), ["earthquake"])
    assert raised.value.code is ExitCode.USAGE
    assert "haproxy-stop" in (raised.value.hint or "")


def test_a_scenario_that_needs_permission_is_refused_without_it(tmp_path: Path) -> None:
    with pytest.raises(HadeployError) as raised:
        api.drill(example(tmp_path), ["link-down"], consent=True)
    assert "--allow-link-down" in (raised.value.hint or "")


def test_logs_of_a_node_that_does_not_exist_are_an_error_before_it_connects(
    tmp_path: Path,
) -> None:
    with pytest.raises(HadeployError) as raised:
        api.logs(example(tmp_path), nodes=("n9",))
    assert raised.value.code is ExitCode.USAGE


def example(folder: Path) -> api.Deployment:
    """The cluster of the shortest inventory."""
    path = folder / "inventory.yaml"
    path.write_text((Path(api.__file__).parents[1] / "examples" / "minimal.yaml").read_text())
    return api.load(str(path))
