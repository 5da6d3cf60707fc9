"""Run tools of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from hadeploy.errors import HadeployError

# Like a new login, without the environment of the caller (proxies, PYTHONPATH, DOCKER_HOST).
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
    """Run a tool and return its stdout.

    Args:
        argv: the command.
        operation: for the error message.
        stdin: text for its standard input.
        timeout: in seconds.
        check: whether a non-zero exit code is an error.

    Raises:
        HadeployError: it failed, timed out or is not installed.
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
    """Start a process that continues when this one ends.

    Args:
        argv: the command.
        operation: for the error message.
        log: the file for its output.
        append: whether to append to the log.

    Raises:
        HadeployError: it could not be started; a later failure is not detected.
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
