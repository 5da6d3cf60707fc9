"""Running this machine's own tools."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from hadeploy.errors import HadeployError

# What a login would find; the caller's environment (proxies, PYTHONPATH, DOCKER_HOST) stays out.
CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}


def run_tool(
    argv: Sequence[str],
    *,
    operation: str,
    stdin: str | None = None,
    timeout: float = 60,
    check: bool = True,
) -> str:
    """Run a tool of this machine and return what it printed.

    Args:
        argv: the command.
        operation: what it is for; begins the error message.
        stdin: text for its standard input.
        timeout: seconds it may take.
        check: whether a non-zero exit code is an error.

    Raises:
        HadeployError: it failed, took too long or is not there.
    """
    try:
        done = subprocess.run(
            list(argv),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env=CLEAN_ENVIRONMENT,
        )
    except FileNotFoundError as error:
        raise HadeployError(
            f"{argv[0]} is not installed", operation=operation, hint="run scripts/install-debian.sh"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise HadeployError(
            f"{argv[0]} took longer than {timeout:g} s", operation=operation
        ) from error
    if check and done.returncode:
        raise HadeployError(
            f"{argv[0]} ended with exit code {done.returncode}",
            operation=operation,
            detail=(done.stderr or done.stdout).strip()[-2000:] or None,
        )
    return done.stdout


def start_detached(argv: Sequence[str], *, operation: str, log: Path, append: bool = False) -> None:
    """Start a process that lives on when we end, and that is nobody's child.

    Args:
        argv: the command.
        operation: what it is for; begins the error message.
        log: where its output goes.
        append: whether to keep what the log has.

    Raises:
        HadeployError: there was no starting it; whether it stays is for the caller to see.
    """
    with log.open("ab" if append else "wb") as output:
        try:
            subprocess.run(
                ("setsid", "--fork", *argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=CLEAN_ENVIRONMENT,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise HadeployError(str(error), operation=operation) from error
