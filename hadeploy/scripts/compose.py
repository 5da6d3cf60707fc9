"""Composes the scripts for nodes from .sh files; values are set as quoted variables.

`lib/` has the parts that several scripts use, `tasks/` the work of single scripts. The first
comment of a file declares:

    # Requires: FILE...          files whose functions it calls; every script includes report.sh
    # Inputs: NAME...            variables that it reads
    # Optional inputs: NAME...   those with a default in the shell
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

FIRST = "report.sh"
# The session that runs a script sets this variable.
TOKEN = "HD_TOKEN"  # noqa: S105
_FIRST_COMMENT = re.compile(r"(?:#.*\n)*")
_FUNCTION = re.compile(r"^([a-z_]+)\(\)", re.M)
_DECLARATION = re.compile(r"^# (Requires|Inputs|Optional inputs): (.+)$", re.M)


class CompositionError(ValueError):
    """Missing files, duplicate functions, or wrong inputs."""


@dataclass(frozen=True)
class ScriptFile:
    """One .sh file.

    Attributes:
        body: without its first comment.
        functions: the functions that it defines.
    """

    name: str
    body: str
    requires: tuple[str, ...]
    inputs: frozenset[str]
    optional_inputs: frozenset[str]
    functions: tuple[str, ...]


def parse_file(name: str, text: str) -> ScriptFile:
    """Read the declarations of a file. Pure."""
    head = _FIRST_COMMENT.match(text)
    length = head.end() if head else 0
    declared: dict[str, list[str]] = {}
    for key, words in _DECLARATION.findall(text[:length]):
        declared.setdefault(key, []).extend(words.split())
    body = text[length:]
    return ScriptFile(
        name,
        body.strip("\n"),
        tuple(declared.get("Requires", ())),
        frozenset(declared.get("Inputs", ())),
        frozenset(declared.get("Optional inputs", ())),
        tuple(_FUNCTION.findall(body)),
    )


@cache
def _paths() -> dict[str, Traversable]:
    """All .sh files by name; names are unique."""
    scripts = resources.files("hadeploy.scripts")
    found: dict[str, Traversable] = {}
    for path in (*_files(scripts / "lib"), *_files(scripts / "tasks")):
        if path.name in found:
            raise CompositionError(f"two files have the name {path.name}")
        found[path.name] = path
    return found


def _files(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry)
        elif entry.name.endswith(".sh"):
            yield entry


def file_names() -> tuple[str, ...]:
    """The names of all files."""
    return tuple(sorted(_paths()))


@cache
def load_file(name: str) -> ScriptFile:
    """A file by its name.

    Raises:
        CompositionError: no file has this name.
    """
    path = _paths().get(name)
    if path is None:
        raise CompositionError(f"{name} does not exist")
    return parse_file(name, path.read_text("utf-8"))


@cache
def required_files(*names: str) -> tuple[ScriptFile, ...]:
    """These files and all files that they require, each once, report.sh first.

    Raises:
        CompositionError: a file does not exist, or two define the same function.
    """
    found: dict[str, ScriptFile] = {}
    definers: dict[str, str] = {}
    waiting = [*reversed(names), FIRST]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        file = found[name] = load_file(name)
        for function in file.functions:
            other = definers.setdefault(function, name)
            if other != name or file.functions.count(function) > 1:
                raise CompositionError(f"{function} is defined in {other} and in {name}")
        waiting.extend(reversed(file.requires))
    return tuple(found.values())


def compose(
    *names: str,
    variables: Mapping[str, str],
    offered: Mapping[str, str] = MappingProxyType({}),
    main: str = "",
) -> str:
    """A complete script.

    All work is in `main`, which the last line calls: a script that arrives incomplete does nothing.

    Args:
        names: .sh files; the files that they require are added.
        variables: the inputs, quoted and set first.
        offered: optional inputs; only those that a file reads are set.
        main: the shell lines of `main`, if no file defines it.

    Raises:
        CompositionError: an input is read and not given, or given and not read; a file does not
            exist; a function is defined twice.
    """
    files = required_files(*names)
    needed = frozenset().union(*(file.inputs for file in files)) - {TOKEN}
    read = needed.union(*(file.optional_inputs for file in files))
    given = {name: value for name, value in offered.items() if name in read} | dict(variables)
    if missing := needed - given.keys():
        raise CompositionError(f"inputs not given: {', '.join(sorted(missing))}")
    if unread := given.keys() - read - {TOKEN}:
        raise CompositionError(f"unused inputs: {', '.join(sorted(unread))}")
    lines = [f"{name}={shlex.quote(value)}" for name, value in given.items()]
    body = f"main() {{\n{main}\n}}" if main else ""
    return "\n".join([*lines, *(file.body for file in files), body, "main </dev/null", ""])
