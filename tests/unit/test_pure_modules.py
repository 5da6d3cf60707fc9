"""A module whose docstring says that it is pure reads nothing from outside its arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

IMPURE = (
    "asyncio",
    "fabric",
    "hadeploy.remote",
    "os",
    "paramiko",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
)
# What of these only formats: a moment is given, and none is read from a clock.
FORMATTING = {"time.gmtime", "time.strftime", "time.strptime"}


def says_pure(tree: ast.Module) -> bool:
    """Whether the module's docstring has the word."""
    return re.search(r"\bpure\b", ast.get_docstring(tree) or "", re.IGNORECASE) is not None


def impure_names(tree: ast.Module) -> list[str]:
    """What a module imports that is not pure, as dotted names."""
    return sorted({name for name in _imported(tree) if _is_impure(name)} - FORMATTING)


def _is_impure(name: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in IMPURE)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                used = _attributes(tree, alias.asname or alias.name) if alias.name == "time" else ()
                yield from used or [alias.name]


def _attributes(tree: ast.Module, module: str) -> list[str]:
    """The attributes of an imported module that are used: `time.strftime` for example."""
    return [
        f"time.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == module
    ]


def test_pure_modules_import_nothing_impure() -> None:
    broken = {}
    pure = 0
    for file in sorted((ROOT / "hadeploy").rglob("*.py")):
        tree = ast.parse(file.read_text())
        if says_pure(tree):
            pure += 1
            if names := impure_names(tree):
                broken[str(file.relative_to(ROOT))] = names
    assert broken == {}, "either the code changes or the docstring does not say `Pure.`"
    assert pure > 0


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import json\nfrom pathlib import PurePath", []),
        ("import subprocess", ["subprocess"]),
        ("import os.path", ["os.path"]),
        ("from os import environ", ["os.environ"]),
        ("from hadeploy import remote", ["hadeploy.remote"]),
        ("from hadeploy.remote.session import Session", ["hadeploy.remote.session.Session"]),
        ("def later():\n    import socket", ["socket"]),
        ("import time\ntime.strftime('%Y', time.gmtime(0))", []),
        ("import time\ntime.sleep(time.time())", ["time.sleep", "time.time"]),
        ("import time as clock\nclock.monotonic()", ["time.monotonic"]),
        ("import time\nread = time", ["time"]),
        ("from time import sleep, strftime", ["time.sleep"]),
    ],
)
def test_an_impure_import_is_found(source: str, names: list[str]) -> None:
    assert impure_names(ast.parse(source)) == names


@pytest.mark.parametrize(
    ("docstring", "pure"),
    [
        ("Which node goes first. Pure.", True),
        ("What a fleet may not share; pure.", True),
        ("Purely for tests, on impure ground.", False),
    ],
)
def test_the_word_is_recognised(docstring: str, pure: bool) -> None:
    assert says_pure(ast.parse(f'"""{docstring}"""')) is pure
