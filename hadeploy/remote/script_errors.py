"""A script that did not come to its end, in words; whatever it was doing may have begun."""

from __future__ import annotations

from hadeploy.errors import ExitCode
from hadeploy.inventory.problems import printable
from hadeploy.remote.retry import PermanentError

# What does not come from our scripts, nor from the programs that they run.
HINT = "look at what runs there as the login shell, and at sudo"


def _code(operation: str) -> ExitCode:
    """Where only looking was going on, nothing was touched."""
    return ExitCode.UNREACHABLE if operation == "observing" else ExitCode.FAILED


def silent(node: str, operation: str, seconds: float) -> PermanentError:
    """It said nothing for too long.

    Args:
        node: the node's label.
        operation: what was being done.
        seconds: for how long.
    """
    return PermanentError(
        f"no sign of life for {seconds:.0f} s",
        node=node,
        operation=operation,
        hint="look at the node's load and at dockerd (ssh.command_timeout)",
        code=_code(operation),
    )


def too_much(node: str, operation: str, what: str) -> PermanentError:
    """It said, or took, more than there is any reason to.

    Args:
        node: the node's label.
        operation: what was being done.
        what: in words.
    """
    return PermanentError(
        what,
        node=node,
        operation=operation,
        hint=f"no node has a reason for that: {HINT} and docker",
        code=_code(operation),
    )


def senseless(node: str, operation: str, said: str) -> PermanentError:
    """It said what no script of ours says.

    Args:
        node: the node's label.
        operation: what was being done.
        said: the message.
    """
    return PermanentError(
        "cannot parse the node's answer",
        node=node,
        operation=operation,
        detail=printable(said),
        hint=HINT,
        code=_code(operation),
    )


def lost(node: str, operation: str, error: Exception) -> PermanentError:
    """The connection is gone.

    Args:
        node: the node's label.
        operation: what was being done.
        error: what came from below.
    """
    return PermanentError(
        f"the connection was lost ({str(error) or type(error).__name__})",
        node=node,
        operation=operation,
        hint="run the same command again: it goes on from the state on the nodes",
        code=_code(operation),
    )


def cut_short(
    node: str, operation: str, code: int, output: str, *, sudo: bool, begun: bool
) -> PermanentError:
    """It ended before its last word.

    Args:
        node: the node's label.
        operation: what was being done.
        code: its exit status.
        output: what it said, without secrets.
        sudo: whether it ran under sudo.
        begun: whether it said anything of its own.
    """
    return PermanentError(
        f"the script ended early with exit status {code}",
        node=node,
        operation=operation,
        detail=output,
        hint=f"is this user allowed to run sudo? try: ssh {node} sudo -n true" if sudo else None,
        stage="sudo" if sudo and not begun else "",
    )
