"""The limit of open files of this process (RLIMIT_NOFILE)."""

from __future__ import annotations

import errno
import resource

from hadeploy.errors import ExitCode, HadeployError

# A run on three nodes has about 30 open files.
MIN_OPEN_FILES = 64
# The usual soft limit; child processes inherit it.
USUAL_OPEN_FILES = 1024
# Enough for a drill with the highest --rate.
SUGGESTED_OPEN_FILES = 4096


def raise_limit(wanted: int) -> int:
    """Raise the soft limit as far as the hard limit allows; never lower it.

    Args:
        wanted: number of open files.

    Returns:
        The new limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return max(soft, allowed)


def require_open_files(count: int, alternative: str = "") -> None:
    """Raise the limit, or refuse to start a command that would fail later.

    Args:
        count: number of open files that the command needs.
        alternative: the start of the hint, such as "a lower --rate, or ".

    Raises:
        HadeployError: the hard limit is too low.
    """
    if raise_limit(max(count, USUAL_OPEN_FILES)) < count:
        raise limit_error(f"at least {count} are needed", alternative)


def limit_error(needed: str = "", alternative: str = "") -> HadeployError:
    """The error of a limit that is too low.

    Args:
        needed: the end of the message, or "".
        alternative: the start of the hint, or "".
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return HadeployError(
        f"the limit of open files is {soft}" + (f"; {needed}" if needed else ""),
        hint=f"{alternative}ulimit -n {SUGGESTED_OPEN_FILES}"
        + (
            f" (the hard limit is {hard}: see limits.conf or LimitNOFILE)"
            if hard != resource.RLIM_INFINITY and hard < SUGGESTED_OPEN_FILES
            else ""
        ),
        code=ExitCode.USAGE,
    )


def limit_reached(error: BaseException | None) -> bool:
    """Whether the limit is the cause of an error, directly or indirectly."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__ or error.__context__
    return False
