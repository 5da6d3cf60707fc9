"""Scripts for nodes: our own .sh files, with values given as quoted variables."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib import resources


def compose(*parts: str, variables: Mapping[str, str], main: str = "") -> str:
    """A whole script.

    The work is in `main`, which is called last: a script that arrives incomplete does nothing.

    Args:
        parts: names of .sh files of this folder, after report.sh.
        variables: set before everything else, quoted.
        main: shell lines that make up `main`, if no part defines it.
    """
    folder = resources.files("hadeploy.scripts") / "shell"
    sources = [folder.joinpath(name).read_text("utf-8") for name in ("report.sh", *parts)]
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items()]
    body = f"main() {{\n{main}\n}}" if main else ""
    return "\n".join([*lines, *sources, body, "main </dev/null", ""])
