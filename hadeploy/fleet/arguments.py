"""What a fleet's command line allows, and what each cluster's is; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Options of the fleet itself, and those that are said anew for each cluster.
OWN = ("--inventory", "--concurrency", "--fail-fast")

_NAMES_NODES = "it names nodes of one cluster; run it with that cluster's inventory alone"
REFUSED = {
    "--ask-sudo-password": "cannot ask for several clusters at once; set"
    " ssh.sudo_password in the inventories to env:NAME, file:PATH or cmd:COMMAND",
    "--watch": "one screen has room for one cluster; watch them one by one, or repeat"
    " `hadeploy status`",
    "--metrics-file": "the file is of one cluster; write one for each inventory",
    "--limit": _NAMES_NODES,
    "--allow-degraded": _NAMES_NODES,
    "--forget": _NAMES_NODES,
    "--former": _NAMES_NODES,
}
UNCONFIRMED = (
    "`down` of several clusters asks for none of them; look at `hadeploy status`, then say --yes,"
    " or take them down one by one"
)


def given(value: object) -> bool:
    """Whether an option was given, by its value; a number that is 0 was."""
    return value is not None and value is not False and value != ()


def refusals(command: str, options: Mapping[str, object]) -> list[str]:
    """Why these options do not go with several inventories.

    Args:
        command: `up`, `down`, ...
        options: all options by their long names.

    Returns:
        A sentence for each, which says what to do instead; none if it may begin.
    """
    said = [
        f"{option} does not go with several inventories: {reason}"
        for option, reason in REFUSED.items()
        if given(options.get(option))
    ]
    if command == "down" and not options.get("--yes"):
        said.append(UNCONFIRMED)
    return said


def order(command: str, inventory: str, options: Mapping[str, object]) -> list[str]:
    """The command line for one cluster.

    Args:
        command: `up`, `down`, ...
        inventory: its file.
        options: all options by their long names.

    Returns:
        Words after the program's name.
    """
    words = [command, f"--inventory={inventory}"]
    for option, value in options.items():
        if option in OWN or not given(value):
            continue
        if value is True:
            words.append(option)
        else:
            many: Sequence[object] = value if isinstance(value, tuple) else (value,)
            words += [f"{option}={one}" for one in many]
    # Whether there is something to do is told of each cluster in any case (verdict.judged).
    if command == "plan" and not options.get("--json") and "--exit-code" not in words:
        words.append("--exit-code")
    return words
