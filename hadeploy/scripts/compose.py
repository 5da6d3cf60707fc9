"""Scripts for nodes: our own .sh files, with values given as quoted variables.

`lib/` has what several scripts use, `tasks/` what one script does. A file's first comment says:

    # Requires: FILE...          other files whose functions it calls; report.sh comes with all
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
# Each script gets it from the session that runs it.
TOKEN = "HD_TOKEN"  # noqa: S105
_FIRST_COMMENT = re.compile(r"(?:#.*\n)*")
_FUNCTION = re.compile(r"^([a-z_]+)\(\)", re.M)
_DECLARATION = re.compile(r"^# (Requires|Inputs|Optional inputs): (.+)$", re.M)


class CompositionError(ValueError):
    """Files or inputs that do not fit together."""


@dataclass(frozen=True)
class ScriptFile:
    """One .sh file.

    Attributes:
        body: without its first comment.
        functions: those that it defines.
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
    """All .sh files by name, which is the same only once."""
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
        CompositionError: there is none.
    """
    path = _paths().get(name)
    if path is None:
        raise CompositionError(f"there is no {name}")
    return parse_file(name, path.read_text("utf-8"))


@cache
def required_files(*names: str) -> tuple[ScriptFile, ...]:
    """Those files and all that they require, each once, report.sh first.

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
    """A whole script.

    The work is in `main`, which is called last: a script that arrives incomplete does nothing.

    Args:
        names: .sh files; what they require comes with them.
        variables: the inputs, set before everything else, quoted.
        offered: more inputs, of which only those are set that are read.
        main: shell lines that make up `main`, if no file defines it.

    Raises:
        CompositionError: an input is read and not given, or given and not read; there is no such
            file; a function is defined twice.
    """
    files = required_files(*names)
    needed = frozenset().union(*(file.inputs for file in files)) - {TOKEN}
    read = needed.union(*(file.optional_inputs for file in files))
    given = {name: value for name, value in offered.items() if name in read} | dict(variables)
    if missing := needed - given.keys():
        raise CompositionError(f"inputs not given: {', '.join(sorted(missing))}")
    if unread := given.keys() - read - {TOKEN}:
        raise CompositionError(f"inputs that nothing reads: {', '.join(sorted(unread))}")
    lines = [f"{name}={shlex.quote(value)}" for name, value in given.items()]
    body = f"main() {{\n{main}\n}}" if main else ""
    return "\n".join([*lines, *(file.body for file in files), body, "main </dev/null", ""])
