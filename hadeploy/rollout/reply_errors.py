"""The errors of scripts that must not continue."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.lock_info import lock_info
from hadeploy.rollout.process import is_dead
from hadeploy.scripts.protocol import Reply


class RefusedError(HadeployError):
    """A script stopped, because it must not continue."""


class LockedError(RefusedError):
    """Another run is changing the cluster.

    Attributes:
        ending: whether that run is dead, and only its last script still runs.
    """

    ending = False


class StaleError(RefusedError):
    """A node no longer matches the plan."""


def refuse(reply: Reply, node: str, operation: str) -> None:
    """Raise an error if a script stopped because of the lock or the fingerprint.

    Raises:
        LockedError: another run holds the lock.
        StaleError: the node no longer matches the plan.
        RefusedError: this run lost its lock, or the lock cannot be written.
    """
    if reply.all("locked"):
        raise locked(lock_info(reply), node=node, operation=operation)
    if reply.all("unwritable"):
        raise RefusedError(
            "the lock cannot be written to /run/hadeploy",
            node=node,
            operation=operation,
            detail=reply.body("unwritable") or None,
            hint="is /run full (space or inodes) or read-only? free some space there",
        )
    if reply.all("script-running"):
        raise LockedError(
            "a script of an earlier run is still running there",
            node=node,
            operation=operation,
            hint="does its Docker engine hang? check `ps` and `docker ps` there",
            code=ExitCode.LOCKED,
        )
    if reply.all("fenced"):
        raise RefusedError(
            "this run no longer holds its lock, so it changes nothing more",
            node=node,
            operation=operation,
            hint="was this machine suspended? run the same command again",
        )
    if reply.all("vip-moved"):
        raise StaleError(
            "the VIP has moved here since the plan was made, so nothing was changed here",
            node=node,
            operation=operation,
            hint="has its holder failed? run the same command again: it hands the VIP over first",
        )
    if reply.all("changed"):
        raise StaleError(
            "the node no longer matches the plan",
            node=node,
            operation=operation,
            detail=reply.body("changed") or None,
            hint="another change was made since the plan; run the same command again",
        )


def locked(info: Mapping[str, str], *, node: str, operation: str) -> LockedError:
    """The error that another run holds the lock.

    Args:
        info: the fields of the lock.
        node: the label of the node.
        operation: the operation of this run.
    """
    error = LockedError(
        f"locked by {describe(info)}",
        node=node,
        operation=operation,
        hint="wait for it (--lock-wait SECONDS), or `hadeploy unlock` if that run is dead",
        code=ExitCode.LOCKED,
    )
    error.ending = is_dead(info.get("process", ""))
    return error


def describe(info: Mapping[str, str]) -> str:
    """Owner, purpose and age of a lock, for display.

    Args:
        info: the fields of the lock.
    """
    return (
        f"{info.get('owner', '?')} for `{info.get('purpose', '?')}`, {info.get('age', '?')} s ago; "
        f"expires in {info.get('left', '?')} s unless it is renewed"
    )


def as_one(errors: list[HadeployError], operation: str = "applying") -> HadeployError:
    """The failures of several nodes as one error, with the last lines of each node.

    Args:
        errors: at least one.
        operation: the operation on all of them.
    """
    if len(errors) == 1:
        return errors[0]
    lines = []
    for error in errors:
        lines += [f"{error.node}: {error.message}", *(error.detail or "").splitlines()[-3:]]
    return HadeployError(
        f"{len(errors)} nodes failed",
        operation=operation,
        detail="\n".join(lines),
        hint=errors[0].hint,
        code=max(error.code for error in errors),
    )
