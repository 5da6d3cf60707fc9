"""How many files and connections this process may have open at a time."""

from __future__ import annotations

import errno
import resource

from hadeploy.errors import ExitCode, HadeployError

# A run on three nodes has some 30 open. The usual limit is the second number, and programs that are
# started from here get no more; a drill may need the third.
FEWEST, USUAL, MOST = 64, 1024, 4096


def raise_limit(wanted: int) -> int:
    """Raise the limit as far as this user may.

    Args:
        wanted: how many; more than that may be allowed already.

    Returns:
        How many are allowed then.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)


def need(count: int, what: str = "") -> None:
    """Refuse to begin what would fail half-way.

    Args:
        count: how many are needed.
        what: what needs them, as the beginning of a hint: "a lower --rate, or "; "" for a run.

    Raises:
        HadeployError: this user may not have so many.
    """
    if raise_limit(max(count, USUAL)) < count:
        raise too_few(f"at least {count} are needed", what)


def too_few(needed: str = "", what: str = "") -> HadeployError:
    """The error that there is no room for another one.

    Args:
        needed: how many are, in words.
        what: as in `need`.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return HadeployError(
        f"this process may have {soft} files open at a time" + (f"; {needed}" if needed else ""),
        hint=f"{what}ulimit -n {MOST}"
        + (
            f" (its hard limit is {hard}: limits.conf, or LimitNOFILE)"
            if hard != resource.RLIM_INFINITY and hard < MOST
            else ""
        ),
        code=ExitCode.USAGE,
    )


def ran_out(error: BaseException | None) -> bool:
    """Whether that is why something failed, however deep below."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            return True
        error = error.__cause__ or error.__context__
    return False
