"""Looking on while something is broken: what every node tells, and requests through the VIP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import partial

from hadeploy.drill.monitor import Watched
from hadeploy.drill.probe import Prober
from hadeploy.drill.trial import How, Probing, Request
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.remote.fanout import each, try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Reply

POLL_SECONDS = 0.05
READY_SECONDS = 20.0
# A node ends its watch by itself after that time, whatever becomes of this machine.
LONGEST_WATCH_SECONDS = 600
# To begin and to end.
SPARE_SECONDS = 60
# A node starts a process for each request.
RATE_FROM_A_NODE = 20.0
PINGS = 3
# The scripts of a watch: the file that each needs, and what it does.
WATCH = ("watch.sh", "watch_node")
ASK = ("ask.sh", "ask_through")
END = ("watch_mark.sh", 'rm -f "$watch_mark"')


class Onlooker:
    """Watches all nodes, and asks through the VIP.

    Args:
        cluster: the inventory.
        sessions: to all nodes.
        how: what is answered through the VIP on this machine, or None.
        rate: requests a second from this machine.

    Attributes:
        probing: the sender of the requests, and their kind; None without requests.
    """

    def __init__(
        self, cluster: Cluster, sessions: Mapping[str, Session], how: How | None, rate: float
    ) -> None:
        self._cluster = cluster
        self._sessions = sessions
        self._how = how
        self._rate = rate
        self._token = secrets.token_hex(8)
        self._vips = tuple(str(vip.ip) for vip in cluster.vip)
        self._prober: Prober | None = None
        self._watched = Watched(self._vips, _latencies(sessions))
        self.probing: Probing | None = None

    def requests(self) -> tuple[Request, ...]:
        """Those that have ended, in the order in which they were due."""
        return self._prober.requests() if self._prober else self._watched.requests()

    @contextmanager
    def watching(self, bystanders: Sequence[str]) -> Iterator[Watched]:
        """Look on for as long as the body lasts.

        Args:
            bystanders: nodes that may ask through the VIP, if this machine cannot.

        Raises:
            HadeployError: a node cannot be watched.
        """
        with ThreadPoolExecutor(max_workers=len(self._sessions) + 1) as pool, ExitStack() as ends:
            watches = [pool.submit(self._watch, session) for session in self._sessions.values()]
            ends.callback(self._stop, watches)
            _until(lambda: self._watched.ready(self._sessions), "watching", watches)
            if self._how:
                port = self._cluster.listeners[0].port
                self._prober = Prober(self._vips[0], port, self._how, self._rate)
                ends.enter_context(self._prober)
                self.probing = Probing("here", self._how, self._rate)
                _until(self._prober.requests, "asking through the VIP", [])
            elif bystanders:
                asking = pool.submit(self._ask, self._sessions[bystanders[0]])
                # Where nothing answers there, either, the drill goes on without.
                _until(lambda: asking.done() or self._watched.how, "asking through the VIP", [])
                if how := self._watched.how:
                    self.probing = Probing(bystanders[0], how, RATE_FROM_A_NODE)
            yield self._watched

    def _watch(self, session: Session) -> Reply:
        hear = partial(self._watched.hear, session.node)
        script = self._script(WATCH)
        seconds = LONGEST_WATCH_SECONDS + SPARE_SECONDS
        return session.run(script, operation="watching", on_message=hear, seconds=seconds)

    def _ask(self, session: Session) -> Reply:
        hear = partial(self._watched.hear, session.node)
        script = self._script(ASK)
        operation = "asking through the VIP"
        seconds = LONGEST_WATCH_SECONDS + SPARE_SECONDS
        return session.run(script, operation=operation, on_message=hear, seconds=seconds)

    def _stop(self, watches: Sequence[Future[Reply]]) -> None:
        """Tell the nodes; one that does not hear it ends its watch by itself."""
        script = self._script(END)
        left = True
        # DrillReporter again, because one that is slow to begin has no mark yet.
        while left:
            try_each(
                lambda session: session.run(script, operation="ending the watch"),
                self._sessions.values(),
            )
            left = bool(wait(watches, timeout=1).not_done)

    def _script(self, task: tuple[str, str]) -> str:
        return watch_script(self._cluster, self._vips[0], self._token, task)


def watch_script(cluster: Cluster, vip: str, token: str, task: tuple[str, str]) -> str:
    """WATCH, ASK or END on one node. Pure."""
    file, line = task
    return compose(
        file,
        variables={},
        offered={
            "HD_CLUSTER": cluster.name,
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_WATCH": token,
            "HD_SECONDS": str(LONGEST_WATCH_SECONDS),
            "HD_VIP": vip,
            "HD_PORT": str(cluster.listeners[0].port),
            "HD_EVERY": str(1 / RATE_FROM_A_NODE),
        },
        main=f"{line}\nemit end",
    )


def _until(true: Callable[[], object], operation: str, threads: Sequence[Future[Reply]]) -> None:
    """Poll until something is true.

    Args:
        true: what.
        operation: for the error.
        threads: what must not end before that.

    Raises:
        HadeployError: it was not, by the deadline, or a thread has ended.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not true():
        for thread in threads:
            if thread.done():
                thread.result()
        if time.monotonic() > deadline:
            raise HadeployError(
                f"not within {READY_SECONDS:g} s",
                operation=operation,
                hint="do the nodes have `timeout`, `mkfifo` and `mktemp`?",
            )
        time.sleep(POLL_SECONDS)


def _latencies(sessions: Mapping[str, Session]) -> dict[str, float]:
    """Seconds from each node to here: half of the quickest of some round trips."""
    return dict(each(lambda session: (session.node, session.latency(PINGS)), sessions.values()))
