"""The options that a fleet accepts, and the command line of each of its clusters. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Not passed on to the command of each cluster.
FLEET_OPTIONS = ("--inventory", "--concurrency", "--fail-fast")

_NAMES_NODES = "it names nodes of one cluster; run the command with that inventory only"
REFUSED = {
    "--ask-sudo-password": "set ssh.sudo_password in the inventories to env:NAME, file:PATH or"
    " cmd:COMMAND",
    "--watch": "it shows one cluster; watch the clusters one by one, or repeat `hadeploy status`",
    "--metrics-file": "a metrics file contains one cluster; write one file for each inventory",
    "--limit": _NAMES_NODES,
    "--allow-degraded": _NAMES_NODES,
    "--forget": _NAMES_NODES,
    "--former": _NAMES_NODES,
}
UNCONFIRMED = (
    "`down` of several clusters cannot ask for confirmation; check with `hadeploy status` and add"
    " --yes, or run `down` on one cluster at a time"
)


def given(value: object) -> bool:
    """Whether an option was given; the number 0 is a given value."""
    return value is not None and value is not False and value != ()


def option_problems(command: str, options: Mapping[str, object]) -> list[str]:
    """The options that a fleet does not accept.

    Args:
        command: `up`, `down`, ...
        options: all options by their long names.

    Returns:
        A sentence for each option, with an alternative; empty if all are accepted.
    """
    problems = [
        f"{option} cannot be used with several inventories: {reason}"
        for option, reason in REFUSED.items()
        if given(options.get(option))
    ]
    if command == "down" and not options.get("--yes"):
        problems.append(UNCONFIRMED)
    return problems


def cluster_arguments(command: str, inventory: str, options: Mapping[str, object]) -> list[str]:
    """The command line for one cluster, without the name of the program.

    Args:
        command: `up`, `down`, ...
        inventory: the path of the inventory.
        options: all options by their long names.
    """
    words = [command, f"--inventory={inventory}"]
    for option, value in options.items():
        if option in FLEET_OPTIONS or not given(value):
            continue
        if value is True:
            words.append(option)
        else:
            values: Sequence[object] = value if isinstance(value, tuple) else (value,)
            words += [f"{option}={one}" for one in values]
    # The summary of the fleet distinguishes clusters with and without changes (verdict.with_text).
    if command == "plan" and not options.get("--json") and "--exit-code" not in words:
        words.append("--exit-code")
    return words
