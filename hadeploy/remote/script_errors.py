"""Errors of scripts that did not finish; their work may have begun."""

from __future__ import annotations

from hadeploy.errors import ExitCode
from hadeploy.inventory.problems import printable
from hadeploy.remote.retry import PermanentError

# The probable source of output that no script of hadeploy prints.
HINT = "check the login shell and sudo on the node"


def _code(operation: str) -> ExitCode:
    """UNREACHABLE for an observation, which changes nothing."""
    return ExitCode.UNREACHABLE if operation == "observing" else ExitCode.FAILED


def no_heartbeat(node: str, operation: str, seconds: float) -> PermanentError:
    """The script sent no heartbeat for too long.

    Args:
        node: the node's label.
        operation: the failed operation.
        seconds: without a heartbeat.
    """
    return PermanentError(
        f"no sign of life for {seconds:.0f} s",
        node=node,
        operation=operation,
        hint="look at the node's load and at dockerd (ssh.command_timeout)",
        code=_code(operation),
    )


def limit_exceeded(node: str, operation: str, what: str) -> PermanentError:
    """The script exceeded a limit of output or time.

    Args:
        node: the node's label.
        operation: the failed operation.
        what: the message.
    """
    return PermanentError(
        what,
        node=node,
        operation=operation,
        hint="is a file in the folder of the cluster (/etc/hadeploy) huge? if not, "
        f"{HINT}, and docker",
        code=_code(operation),
    )


def unparsable(node: str, operation: str, message: str) -> PermanentError:
    """The node sent a message that no script sends.

    Args:
        node: the node's label.
        operation: the failed operation.
        message: the message.
    """
    return PermanentError(
        "cannot parse the node's answer",
        node=node,
        operation=operation,
        detail=printable(message),
        hint=HINT,
        code=_code(operation),
    )


def lost(node: str, operation: str, error: Exception) -> PermanentError:
    """The connection was lost.

    Args:
        node: the node's label.
        operation: the failed operation.
        error: the error of paramiko or the system.
    """
    return PermanentError(
        f"the connection was lost ({str(error) or type(error).__name__})",
        node=node,
        operation=operation,
        hint="run the same command again: it continues from the state on the nodes",
        code=_code(operation),
    )


def ended_early(
    node: str, operation: str, code: int, output: str, *, sudo: bool, begun: bool
) -> PermanentError:
    """The script ended before its closing message.

    Args:
        node: the node's label.
        operation: the failed operation.
        code: its exit status.
        output: its output, without secrets.
        sudo: whether it ran under sudo.
        begun: whether it sent a message.
    """
    return PermanentError(
        f"the script ended early with exit status {code}",
        node=node,
        operation=operation,
        detail=output,
        hint=f"is this user allowed to run sudo? try: ssh {node} sudo -n true" if sudo else None,
        stage="sudo" if sudo and not begun else "",
    )
