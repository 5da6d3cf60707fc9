"""Monitors all nodes during a failure, and sends requests through the VIP."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from functools import partial

from hadeploy.drill.collector import EventCollector
from hadeploy.drill.probe import Prober
from hadeploy.drill.round import Probing, Request, RequestKind
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.remote.fanout import each, try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Reply

POLL_SECONDS = 0.05
READY_SECONDS = 20.0
# The scripts on a node end after this time, even if this machine is gone.
MAX_MONITOR_SECONDS = 600
# To start and to end a script.
SPARE_SECONDS = 60
# Requests per second: a node starts a process for each request.
RATE_FROM_A_NODE = 20.0
PINGS = 3
# The scripts: the file that each needs, and the command.
WATCH = ("watch.sh", "watch_node")
ASK = ("ask.sh", "ask_through")
END = ("watch_mark.sh", 'rm -f "$watch_mark"')


class Monitor:
    """Monitors all nodes, and sends requests through the VIP.

    Args:
        cluster: the inventory.
        sessions: to all nodes.
        kind: the kind of request that is answered on this machine, or None.
        rate: requests per second from this machine.

    Attributes:
        probing: the sender and the kind of the requests; None without requests.
    """

    def __init__(
        self,
        cluster: Cluster,
        sessions: Mapping[str, Session],
        kind: RequestKind | None,
        rate: float,
    ) -> None:
        self._cluster = cluster
        self._sessions = sessions
        self._kind = kind
        self._rate = rate
        self._token = secrets.token_hex(8)
        self._vips = tuple(str(vip.ip) for vip in cluster.vip)
        self._prober: Prober | None = None
        self._collector = EventCollector(self._vips, _latencies(sessions))
        self.probing: Probing | None = None

    def requests(self) -> tuple[Request, ...]:
        """The completed requests, ordered by the time when they were due."""
        return self._prober.requests() if self._prober else self._collector.requests()

    @contextmanager
    def running(self, senders: Sequence[str]) -> Iterator[EventCollector]:
        """Monitor until the end of the `with` block.

        Args:
            senders: nodes that may send the requests if this machine cannot.

        Raises:
            HadeployError: a node cannot be monitored.
        """
        with ThreadPoolExecutor(max_workers=len(self._sessions) + 1) as pool, ExitStack() as ends:
            scripts = [pool.submit(self._watch, session) for session in self._sessions.values()]
            ends.callback(self._stop, scripts)
            _wait_until(lambda: self._collector.ready(self._sessions), "monitoring", scripts)
            operation = "sending requests through the VIP"
            if self._kind:
                port = self._cluster.listeners[0].port
                self._prober = Prober(self._vips[0], port, self._kind, self._rate)
                ends.enter_context(self._prober)
                self.probing = Probing("here", self._kind, self._rate)
                _wait_until(self._prober.requests, operation, [])
            elif senders:
                asking = pool.submit(self._ask, self._sessions[senders[0]])
                # If the node gets no answer either, the drill continues without requests.
                _wait_until(lambda: asking.done() or self._collector.request_kind, operation, [])
                if kind := self._collector.request_kind:
                    self.probing = Probing(senders[0], kind, RATE_FROM_A_NODE)
            yield self._collector

    def _watch(self, session: Session) -> Reply:
        return self._run(session, WATCH, "monitoring")

    def _ask(self, session: Session) -> Reply:
        return self._run(session, ASK, "sending requests through the VIP")

    def _run(self, session: Session, task: tuple[str, str], operation: str) -> Reply:
        return session.run(
            self._script(task),
            operation=operation,
            on_message=partial(self._collector.receive, session.node),
            seconds=MAX_MONITOR_SECONDS + SPARE_SECONDS,
        )

    def _stop(self, scripts: Sequence[Future[Reply]]) -> None:
        """End the scripts; on a node that cannot be reached, the script ends by its time limit."""
        end = self._script(END)
        running = True
        # Repeated, because a script that starts slowly has no mark file yet.
        while running:
            try_each(
                lambda session: session.run(end, operation="ending the monitoring"),
                self._sessions.values(),
            )
            running = bool(wait(scripts, timeout=1).not_done)

    def _script(self, task: tuple[str, str]) -> str:
        return watch_script(self._cluster, self._vips[0], self._token, task)


def watch_script(cluster: Cluster, vip: str, token: str, task: tuple[str, str]) -> str:
    """The script of WATCH, ASK or END for one node. Pure."""
    file, line = task
    return compose(
        file,
        variables={},
        offered={
            "HD_CLUSTER": cluster.name,
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_WATCH": token,
            "HD_SECONDS": str(MAX_MONITOR_SECONDS),
            "HD_VIP": vip,
            "HD_PORT": str(cluster.listeners[0].port),
            "HD_EVERY": str(1 / RATE_FROM_A_NODE),
        },
        main=f"{line}\nemit end",
    )


def _wait_until(
    condition: Callable[[], object], operation: str, scripts: Sequence[Future[Reply]]
) -> None:
    """Poll until the condition is true.

    Args:
        condition: the condition.
        operation: for the error.
        scripts: must not end before.

    Raises:
        HadeployError: the deadline passed, or a script ended.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        for script in scripts:
            if script.done():
                script.result()
        if time.monotonic() > deadline:
            raise HadeployError(
                f"not ready within {READY_SECONDS:g} s",
                operation=operation,
                hint="check that the nodes have `timeout`, `mkfifo` and `mktemp`",
            )
        time.sleep(POLL_SECONDS)


def _latencies(sessions: Mapping[str, Session]) -> dict[str, float]:
    """Seconds from each node to this machine: half of the shortest round trip."""
    return dict(each(lambda session: (session.node, session.latency(PINGS)), sessions.values()))
