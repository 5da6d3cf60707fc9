"""The lock: one run at a time changes the nodes (lib/lock.sh is the part on the nodes)."""

from __future__ import annotations

import secrets
import shlex
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.lock_info import lock_info
from hadeploy.progress import Progress
from hadeploy.remote.fanout import try_each
from hadeploy.remote.script_errors import unparsable
from hadeploy.remote.session import CHANGE_SECONDS, Session
from hadeploy.remote.ssh_tokens import local_user
from hadeploy.rollout.process import is_dead, this_process
from hadeploy.rollout.reply_errors import LockedError, describe, refuse
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Message, Reply

# A sixth of LOCK_SECONDS in lib/lock.sh, so that renewals may fail; guard.sh depends on it.
RENEW_SECONDS = 20
REMOVING = "removing the lock"


@dataclass(frozen=True)
class Lock:
    """The lock of a run.

    Attributes:
        cluster: the cluster's name.
        purpose: the command.
        token: identifies this run.
        released: whether it was released, or is about to be.
    """

    cluster: str
    purpose: str
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    released: threading.Event = field(default_factory=threading.Event, compare=False)

    @property
    def variables(self) -> dict[str, str]:
        """The inputs of lib/lock.sh."""
        return {
            "HD_CLUSTER": self.cluster,
            "HD_LOCK": self.token,
            "HD_OWNER": f"{local_user()}@{socket.gethostname()}",
            "HD_PURPOSE": self.purpose,
            "HD_PROCESS": this_process(),
        }

    def script(self, line: str) -> str:
        """A script with one command on the lock."""
        return compose("lock.sh", variables=self.variables, main=f"{line}\nemit end")

    def changing(
        self,
        cluster: Cluster,
        fingerprint: str,
        parts: Sequence[str],
        lines: Sequence[str],
        *,
        takes_lock: bool = False,
        offered: Mapping[str, str] = MappingProxyType({}),
        **variables: str,
    ) -> str:
        """A script that changes a node, under the lock, if the node still matches the plan.

        Args:
            cluster: for its folder, names and addresses.
            fingerprint: the fingerprint that the node must have.
            parts: names of .sh files.
            lines: the commands.
            takes_lock: whether it takes the lock first.
            offered: optional inputs of the parts.
            variables: further inputs of the parts.
        """
        begin = ["lock_take"] if takes_lock else []
        haproxy, keepalived = cluster.container_names
        return compose(
            "lock.sh",
            "fingerprint.sh",
            *parts,
            variables={"HD_ROOT": cluster.root, **self.variables, **variables},
            offered={"HD_HAPROXY": haproxy, "HD_KEEPALIVED": keepalived, **offered},
            main="\n".join(
                [*begin, "begin_change", f"require_fingerprint {fingerprint}", *lines, "end_script"]
            ),
        )


def take(
    lock: Lock,
    sessions: Mapping[str, Session],
    scripts: Mapping[str, str] = MappingProxyType({}),
    on_message: Callable[[str, Message], None] = lambda *_: None,
) -> dict[str, Reply]:
    """Take the lock on all nodes, and run the scripts that follow.

    Args:
        lock: the lock.
        sessions: to all nodes.
        scripts: by node label; each begins with `lock_take`. Other nodes only take the lock.
        on_message: receives the messages of each node as they arrive.

    Returns:
        The replies, by node label.

    Raises:
        LockedError: another run holds the lock; with its owner, purpose and age.
        NodesError: the lock could not be taken.
    """
    # All runs take the lock on the same node first: of two runs at once, one gets all nodes.
    first = min(sessions)
    decided = threading.Event()
    taken_on: set[str] = set()

    def take_one(session: Session) -> tuple[str, Reply] | None:
        node = session.node
        if node != first:
            decided.wait()
            if first not in taken_on:
                return None
        try:
            return node, _take_one(lock, session, scripts.get(node), report)
        finally:
            if node == first:
                decided.set()

    def report(node: str, message: Message) -> None:
        if message.kind == "taken":
            taken_on.add(node)
            decided.set()
        on_message(node, message)

    taken, errors = try_each(take_one, [sessions[node] for node in sorted(sessions)])
    if errors:
        raise next((e for e in errors if isinstance(e, LockedError)), NodesError(errors))
    return dict(reply for reply in taken if reply)


def _take_one(
    lock: Lock, session: Session, script: str | None, report: Callable[[str, Message], None]
) -> Reply:
    operation = "validating" if script else "taking the lock"
    script = script or lock.script("lock_take")

    def run(source: str) -> Reply:
        return session.run(
            source,
            operation=operation,
            on_message=lambda m: report(session.node, m),
            seconds=CHANGE_SECONDS,
        )

    reply = run(script)
    info = lock_info(reply)
    token = info.get("token")
    if reply.all("locked") and token and is_dead(info.get("process", "")):
        inherited = run(lock.script(f"lock_inherit {shlex.quote(token)}"))
        reply = run(script) if inherited.all("taken") else inherited
    if any(reply.all(kind) for kind in ("locked", "script-running", "unwritable")):
        refuse(reply, session.node, "taking the lock")
    if not reply.all("taken"):
        raise unparsable(session.node, "taking the lock", "neither taken nor locked")
    return reply


def release(lock: Lock, sessions: Mapping[str, Session]) -> None:
    """Release the lock on all nodes; on an unreachable node it expires."""
    try_each(
        lambda session: session.run(lock.script("lock_release"), operation="releasing the lock"),
        sessions.values(),
    )


@contextmanager
def held(
    purpose: str,
    cluster: Cluster,
    sessions: Mapping[str, Session],
    progress: Progress,
    *,
    taken: bool = True,
) -> Iterator[Lock]:
    """The lock on all nodes, renewed while the body runs, and released at its end.

    Args:
        purpose: the command.
        cluster: for its name.
        sessions: to all nodes.
        progress: receives the phase.
        taken: whether to take it before the body; otherwise the first script of the body does.

    Raises:
        LockedError: another run holds the lock; with its owner, purpose and age.
        HadeployError: the lock could not be taken.
    """
    lock = Lock(cluster.name, purpose)

    def renew(session: Session) -> None:
        while not lock.released.wait(RENEW_SECONDS):
            # A failure is ignored: the next script that changes something detects a lost lock.
            # If the server allows no session beside a script (MaxSessions), the script renews it.
            with suppress(HadeployError):
                session.run(
                    lock.script("with_lock_mutex lock_try_renew"),
                    operation="renewing the lock",
                    patient=False,
                )

    # One thread per node: a node that does not answer must not delay the other renewals.
    for session in sessions.values():
        threading.Thread(target=renew, args=(session,), daemon=True).start()
    try:
        if taken:
            progress.phase("Lock")
            take(lock, sessions)
        yield lock
    finally:
        if not lock.released.is_set():
            lock.released.set()
            release(lock, sessions)


def holders(
    cluster: Cluster, sessions: Mapping[str, Session]
) -> tuple[dict[str, str], list[HadeployError]]:
    """The holder of the lock, by node, and the errors of nodes that could not be asked.

    Args:
        cluster: for its name.
        sessions: to the nodes; the result omits nodes without a lock.
    """
    lock = Lock(cluster.name, "unlock")

    def ask(session: Session) -> tuple[str, str | None]:
        reply = session.run(lock.script("lock_report"), operation="looking at the lock")
        info = lock_info(reply)
        return session.node, describe(info) if info else None

    results, errors = try_each(ask, sessions.values())
    return {node: info for node, info in results if info}, errors


def break_lock(cluster: Cluster, sessions: Mapping[str, Session]) -> list[HadeployError]:
    """Remove the lock of any run from the nodes; that run then changes nothing more there.

    Args:
        cluster: for its name.
        sessions: to the nodes.

    Returns:
        The errors of nodes that may still have it.
    """
    lock = Lock(cluster.name, "unlock")

    def remove(session: Session) -> None:
        reply = session.run(lock.script("lock_remove"), operation=REMOVING)
        refuse(reply, session.node, REMOVING)

    return try_each(remove, sessions.values())[1]
