"""One writer at a time: this run's claim on the nodes (shell/lock.sh is its other half)."""

from __future__ import annotations

import getpass
import secrets
import shlex
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.observe.parse import parse_fields
from hadeploy.run.process import is_dead, this_process
from hadeploy.run.progress import Progress
from hadeploy.shell.compose import compose
from hadeploy.transport.fanout import try_each
from hadeploy.transport.protocol import Reply
from hadeploy.transport.session import Session

# A third of what shell/lock.sh grants, so that one renewal may fail.
RENEW_SECONDS = 40


class RefusedError(HadeployError):
    """A script may not go on, and has not."""


class LockedError(RefusedError):
    """Somebody else is changing the cluster.

    Attributes:
        ending: whether that run is dead and only its script still works, which comes to its end.
    """

    ending = False


class StaleError(RefusedError):
    """A node is no longer what the plan was made on."""


@dataclass(frozen=True)
class Lock:
    """A run's claim.

    Attributes:
        cluster: the cluster's name.
        purpose: the command.
        token: what tells this run from all others.
    """

    cluster: str
    purpose: str
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def variables(self) -> dict[str, str]:
        """What shell/lock.sh is given."""
        return {
            "HD_CLUSTER": self.cluster,
            "HD_LOCK": self.token,
            "HD_OWNER": f"{getpass.getuser()}@{socket.gethostname()}",
            "HD_PURPOSE": self.purpose,
            "HD_PROCESS": this_process(),
        }

    def script(self, line: str) -> str:
        """A script that does one thing with the lock."""
        return compose("lock.sh", variables=self.variables, main=f"{line}\nemit end")

    def changing(
        self,
        cluster: Cluster,
        fingerprint: str,
        parts: Sequence[str],
        lines: Sequence[str],
        **variables: str,
    ) -> str:
        """A script that changes a node: alone there, under the lock, on the state planned on.

        Args:
            cluster: for its folder, names and addresses.
            fingerprint: of what the node must still be.
            parts: names of .sh files.
            lines: what it does.
            variables: what else the parts are given.
        """
        haproxy, keepalived = cluster.container_names
        return compose(
            "lock.sh",
            *parts,
            variables={
                "HD_ROOT": cluster.root,
                "HD_HAPROXY": haproxy,
                "HD_KEEPALIVED": keepalived,
                **self.variables,
                **variables,
            },
            main="\n".join(["working", f"still_as {fingerprint}", *lines, "finished"]),
        )


def take(lock: Lock, sessions: Mapping[str, Session]) -> None:
    """Take the lock on all nodes, or on none.

    Raises:
        LockedError: somebody else has it, with who, why and since when.
        HadeployError: it could not be taken.
    """

    def take_one(session: Session) -> None:
        doing = "taking the lock"
        reply = session.run(lock.script("lock_take"), doing=doing)
        told = _told(reply)
        if reply.all("locked") and is_dead(told.get("process", "")):
            inherit = f"lock_inherit {shlex.quote(told['token'])}"
            reply = session.run(lock.script(inherit), doing=doing)
        refuse(reply, session.node, doing)

    # One node is the first for everybody: of two runs at once, one gets it and all the others.
    first, *others = sorted(sessions)
    take_one(sessions[first])
    _, errors = try_each(take_one, [sessions[node] for node in others])
    if errors:
        release(lock, sessions)
        raise next((e for e in errors if isinstance(e, LockedError)), errors[0])


def release(lock: Lock, sessions: Mapping[str, Session]) -> None:
    """Give the lock back wherever it is ours; a node that cannot be reached lets it expire."""
    try_each(
        lambda session: session.run(lock.script("lock_release"), doing="releasing the lock"),
        sessions.values(),
    )


@contextmanager
def held(
    purpose: str, cluster: Cluster, sessions: Mapping[str, Session], progress: Progress
) -> Iterator[Lock]:
    """The lock on all nodes, kept alive while the body runs and given back however that ends.

    Args:
        purpose: the command.
        cluster: for its name.
        sessions: to all nodes.
        progress: told the phase.

    Raises:
        LockedError: somebody else has it, with who, why and since when.
        HadeployError: it could not be taken.
    """
    progress.phase("Lock")
    lock = Lock(cluster.name, purpose)
    take(lock, sessions)
    done = threading.Event()

    def renew(session: Session) -> None:
        while not done.wait(RENEW_SECONDS):
            # A lost lock is noticed where it matters: by the next script that changes something.
            # Nor does it matter where the server has no room for it (MaxSessions) beside a script:
            # that renews the lock itself.
            with suppress(HadeployError):
                session.run(
                    lock.script("alone lock_try_renew"), doing="renewing the lock", patient=False
                )

    # One for each node: a node that does not answer must not cost the others their locks.
    for session in sessions.values():
        threading.Thread(target=renew, args=(session,), daemon=True).start()
    try:
        yield lock
    finally:
        done.set()
        release(lock, sessions)


def refuse(reply: Reply, node: str, doing: str) -> None:
    """Raise what a script said about the lock, if it said that it may not go on.

    Raises:
        LockedError: somebody else has the lock.
        StaleError: the node is not what the plan was made on.
        HadeployError: this run lost its lock.
    """
    if reply.all("locked"):
        raise locked(_told(reply), node=node, doing=doing)
    if reply.all("occupied"):
        raise LockedError(
            "a script of an earlier run still works there",
            node=node,
            doing=doing,
            hint="is its Docker engine stuck? look at `ps` and `docker ps` there",
            code=ExitCode.LOCKED,
        )
    if reply.all("fenced"):
        raise RefusedError(
            "this run no longer holds its lock, so it changes nothing more",
            node=node,
            doing=doing,
            hint="was this machine asleep? run the same command again",
        )
    if reply.all("moved"):
        raise StaleError(
            "the VIP has come here since the plan was made, so nothing was changed here",
            node=node,
            doing=doing,
            hint="has its holder failed? run the same command again: it hands the VIP over first",
        )
    if reply.all("changed"):
        raise StaleError(
            "the node is no longer what the plan was made on",
            node=node,
            doing=doing,
            detail=reply.body("changed") or None,
            hint="somebody changed it in between; run the same command again",
        )


def locked(told: Mapping[str, str], *, node: str, doing: str) -> LockedError:
    """The error that another run has the lock.

    Args:
        told: its fields.
        node: where.
        doing: what this run was doing.
    """
    error = LockedError(
        f"locked by {describe(told)}",
        node=node,
        doing=doing,
        hint="wait for it (--lock-wait SECONDS), or `hadeploy unlock` if that run is dead",
        code=ExitCode.LOCKED,
    )
    error.ending = is_dead(told.get("process", ""))
    return error


def _told(reply: Reply) -> dict[str, str]:
    return parse_fields(reply.body("lock"))


def describe(told: Mapping[str, str]) -> str:
    """Who holds a lock, why, and for how long.

    Args:
        told: its fields.
    """
    return (
        f"{told.get('owner', '?')} for `{told.get('purpose', '?')}`, {told.get('age', '?')} s ago; "
        f"expires in {told.get('left', '?')} s unless it is renewed"
    )


def holders(cluster: Cluster, sessions: Mapping[str, Session]) -> dict[str, str]:
    """Who holds the lock, by node; nodes without one are left out."""
    lock = Lock(cluster.name, "unlock")

    def ask(session: Session) -> tuple[str, str | None]:
        reply = session.run(lock.script("lock_tell"), doing="looking at the lock")
        told = _told(reply)
        return session.node, describe(told) if told else None

    results, _ = try_each(ask, sessions.values())
    return {node: told for node, told in results if told}


def break_lock(cluster: Cluster, sessions: Mapping[str, Session]) -> None:
    """Remove the lock from all nodes, whoever holds it; that run then changes nothing more."""
    lock = Lock(cluster.name, "unlock")
    try_each(
        lambda session: session.run(
            lock.script('alone rm -f "$lock_file"'), doing="removing the lock"
        ),
        sessions.values(),
    )
