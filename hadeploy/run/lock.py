"""One writer at a time: this run's claim on the nodes (shell/lock.sh is its other half)."""

from __future__ import annotations

import getpass
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster
from hadeploy.shell.compose import compose
from hadeploy.transport.fanout import try_each
from hadeploy.transport.protocol import Message, Reply
from hadeploy.transport.session import Session

# A third of what shell/lock.sh grants, so that one renewal may fail.
RENEW_SECONDS = 40


class LockedError(HadeployError):
    """Somebody else is changing the cluster."""


class StaleError(HadeployError):
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
        }

    def script(self, line: str) -> str:
        """A script that does one thing with the lock."""
        return compose("lock.sh", variables=self.variables, main=f"{line}\nemit end")


def take(lock: Lock, sessions: Mapping[str, Session]) -> None:
    """Take the lock on all nodes, or on none.

    Raises:
        LockedError: somebody else has it, with who, why and since when.
        HadeployError: it could not be taken.
    """

    def take_one(session: Session) -> None:
        reply = session.run(lock.script("lock_take"), doing="taking the lock")
        refuse(reply, session.node, "taking the lock")

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
        lambda session: session.run(lock.script("alone lock_drop"), doing="releasing the lock"),
        sessions.values(),
    )


@contextmanager
def leased(lock: Lock, sessions: Mapping[str, Session]) -> Iterator[None]:
    """Keep the lock alive while the body runs, and give it back however that ends."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            # A lost lock is noticed where it matters: by the next script that changes something.
            with suppress(HadeployError):
                try_each(
                    lambda s: s.run(lock.script("alone lock_try_renew"), doing="renewing the lock"),
                    sessions.values(),
                )

    renewer = threading.Thread(target=renew, daemon=True)
    renewer.start()
    try:
        yield
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
        holder = next(iter(reply.all("lock")), None)
        raise LockedError(
            f"locked by {describe(holder) if holder else 'another run'}",
            node=node,
            doing=doing,
            hint="wait for it (--lock-wait SECONDS), or `hadeploy unlock` if that run is dead",
            code=ExitCode.LOCKED,
        )
    if reply.all("fenced"):
        raise HadeployError(
            "this run no longer holds its lock, so it changes nothing more",
            node=node,
            doing=doing,
            hint="was this machine asleep? run the same command again",
        )
    if reply.all("changed"):
        raise StaleError(
            "the node is no longer what the plan was made on",
            node=node,
            doing=doing,
            hint="somebody changed it in between; run the same command again",
        )


def describe(message: Message) -> str:
    """Who holds a lock, why, and for how long, from what lock_tell says."""
    told = dict(line.split("=", 1) for line in message.text.splitlines() if "=" in line)
    return (
        f"{told.get('owner', '?')} for `{told.get('purpose', '?')}`, {told.get('age', '?')} s ago; "
        f"expires in {told.get('left', '?')} s unless it is renewed"
    )


def holders(cluster: Cluster, sessions: Mapping[str, Session]) -> dict[str, str]:
    """Who holds the lock, by node; nodes without one are left out."""
    lock = Lock(cluster.name, "unlock")

    def ask(session: Session) -> tuple[str, str | None]:
        reply = session.run(lock.script("lock_tell"), doing="looking at the lock")
        told = reply.all("lock")
        return session.node, describe(told[0]) if told else None

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
