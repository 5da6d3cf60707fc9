"""Shell functions by themselves: a script of some files, with inputs that do not matter here."""

from __future__ import annotations

from hadeploy.scripts.compose import compose, required_files

# Where no test says otherwise, nothing is there, and nothing can be put there.
DEFAULTS = {"HD_CLUSTER": "c", "HD_ROOT": "/nonexistent/hadeploy", "HD_OTHERWISE": "no_restore"}


def fragment(*names: str, main: str, **given: str) -> str:
    """A script of these files and all that they require.

    Args:
        names: .sh files.
        main: what the script does.
        given: inputs; the others are empty.
    """
    needed = {name for file in required_files(*names) for name in file.inputs}
    offered = dict.fromkeys(needed, "") | DEFAULTS
    return compose(*names, variables={"HD_TOKEN": "t", **given}, offered=offered, main=main)
