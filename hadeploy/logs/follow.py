"""`logs -f`: follows the logs of all nodes, and reconnects to nodes that it loses."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from queue import Empty, Queue

from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.logs.feed import DockerMessage, Feed
from hadeploy.logs.lines import Line
from hadeploy.logs.merge import Window
from hadeploy.logs.read import FOLLOW_SECONDS, SPARE_SECONDS
from hadeploy.remote.session import Session
from hadeploy.scripts.protocol import Message

# How long a line waits for older lines of other nodes.
WINDOW_SECONDS = 0.5
# The scripts send a heartbeat every second.
SILENCE_SECONDS = 20.0
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 8.0
# A terminal that is slower than the nodes slows them down, instead of filling the memory.
MAX_WAITING = 10_000


@dataclass(frozen=True)
class Notice:
    """A message about the following itself, such as a lost connection."""

    text: str


# An error means that its node is no longer followed.
_Event = Line | Notice | HadeployError


class Follower:
    """Follows one node, in the background.

    Args:
        feed: has the positions in its logs.
        script: composes the script for each attempt.
        dial: connects to the node.
        session: an open session, or None.
        missing: why there is no session.
    """

    def __init__(
        self,
        feed: Feed,
        script: Callable[[], str],
        dial: Callable[[], Session],
        session: Session | None,
        missing: HadeployError | None,
    ) -> None:
        self._feed, self._script, self._dial = feed, script, dial
        self._session, self._missing = session, missing
        self._events: Queue[_Event] = Queue()
        self._stopped = threading.Event()
        self._pause = FIRST_PAUSE_SECONDS
        self._lost = False
        self._not_running: set[str] = set()

    def start(self, events: Queue[_Event]) -> None:
        """Start to follow; `events` receives lines, notices and errors."""
        self._events = events
        # A daemon thread: it may wait for a connection that is no longer needed.
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Stop to follow; the script on the node ends within two seconds."""
        self._stopped.set()
        if self._session:
            self._session.close()

    def _run(self) -> None:
        error = self._missing
        while not self._stopped.is_set():
            if error and is_permanent(error):
                self._events.put(error)
                return
            if error:
                self._wait(error)
            error = self._attempt()

    def _attempt(self) -> HadeployError | None:
        """Follow until the script ends.

        Returns:
            The error; None if the time limit of the script ended it.
        """
        try:
            self._session = self._session or self._dial()
            session = dataclasses.replace(
                self._session, silence=min(self._session.silence, SILENCE_SECONDS)
            )
            session.run(
                self._script(),
                operation="following the logs",
                on_message=self._receive,
                on_line=self._parse,
                seconds=FOLLOW_SECONDS + SPARE_SECONDS,
            )
        except HadeployError as error:
            return error
        return None

    def _wait(self, error: HadeployError) -> None:
        if not self._lost:
            self._notify(
                f"{'' if self._session else 'cannot be reached: '}{error.message}; reconnecting"
            )
        self._lost = True
        if self._session:
            self._session.close()
            self._session = None
        self._stopped.wait(self._pause)
        self._pause = min(2 * self._pause, MAX_PAUSE_SECONDS)

    def _receive(self, message: Message) -> None:
        self._feed.receive(message)
        if message.kind == "begin":
            self._pause = FIRST_PAUSE_SECONDS
            if self._lost:
                self._notify("connected again")
            self._lost = False
        elif message.kind == "stopped":
            for container in set(message.words) - self._not_running:
                self._notify(f"{container} is not running; waiting for it")
            self._not_running |= set(message.words)
        elif message.kind == "running":
            for container in self._not_running & set(message.words):
                self._notify(f"{container} is running again")
            self._not_running -= set(message.words)

    def _parse(self, raw: str) -> None:
        parsed = self._feed.parse(raw)
        if isinstance(parsed, DockerMessage):
            self._notify(f"{parsed.container}: {parsed.text}")
        elif parsed:
            self._events.put(parsed)

    def _notify(self, text: str) -> None:
        self._events.put(Notice(f"{self._feed.node}: {text}"))


def is_permanent(error: HadeployError) -> bool:
    """Whether another attempt would fail too or do harm, as after a refused login."""
    return error.stage not in ("", "ssh-reach") or error.code is ExitCode.USAGE


def follow(followers: Sequence[Follower]) -> Generator[Line | Notice, None, None]:
    """The lines of all nodes by time, until no node can be followed.

    Args:
        followers: one for each node; they are stopped at the end.

    Raises:
        NodesError: no node can be followed any longer.
    """
    events: Queue[_Event] = Queue(MAX_WAITING)
    window = Window(WINDOW_SECONDS)
    errors: list[HadeployError] = []
    for follower in followers:
        follower.start(events)
    try:
        while len(errors) < len(followers):
            for event in _next(events, window.due):
                if isinstance(event, Line):
                    window.add(event, time.monotonic())
                elif isinstance(event, Notice):
                    yield event
                else:
                    errors.append(event)
                    yield Notice(f"{event}; this node is no longer followed")
            yield from window.ready(time.monotonic())
    finally:
        for follower in followers:
            follower.stop()
    raise NodesError(errors)


def _next(events: Queue[_Event], until: float | None) -> list[_Event]:
    """All waiting events; if there are none, wait for the next one, at most until `until`."""
    found: list[_Event] = []
    with contextlib.suppress(Empty):
        timeout = None if until is None else max(0.0, until - time.monotonic())
        found.append(events.get(timeout=timeout))
        while True:
            found.append(events.get_nowait())
    return found
