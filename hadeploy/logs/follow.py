"""`logs -f`: following every node, also over the times when it is away."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from queue import Empty, Queue

from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.logs.feed import Feed, Remark
from hadeploy.logs.lines import Line
from hadeploy.logs.merge import Window
from hadeploy.logs.read import FOLLOW_SECONDS, SPARE_SECONDS
from hadeploy.remote.session import Session
from hadeploy.scripts.protocol import Message

# How long a line waits for older ones of other nodes.
WINDOW_SECONDS = 0.5
# The scripts give a sign of life every second.
SILENCE_SECONDS = 20.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 8.0
# So that a terminal that is slower than the nodes holds them up, instead of filling the memory.
MOST_WAITING = 10_000


@dataclass(frozen=True)
class Notice:
    """What happens to the following itself, in words."""

    text: str


# An error: that node is followed no more.
_Event = Line | Notice | HadeployError


class Follower:
    """Follows one node, in the background.

    Args:
        feed: where its logs are read on.
        script: what is to be run, composed anew each time.
        dial: connects to it.
        session: if it is connected already.
        missing: why it is not.
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
        self._away: set[str] = set()

    def begin(self, events: Queue[_Event]) -> None:
        """Follow from now on.

        Args:
            events: given whatever happens.
        """
        self._events = events
        # A daemon: it may wait for a connection that is no longer needed.
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Follow no more; what runs on the node notices within a second or two."""
        self._stopped.set()
        if self._session:
            self._session.close()

    def _run(self) -> None:
        error = self._missing
        while not self._stopped.is_set():
            if error and hopeless(error):
                self._events.put(error)
                return
            if error:
                self._wait(error)
            error = self._attempt()

    def _attempt(self) -> HadeployError | None:
        """Follow for as long as it goes.

        Returns:
            What ended it; None if it only has to be asked for again.
        """
        try:
            self._session = self._session or self._dial()
            session = dataclasses.replace(
                self._session, silence=min(self._session.silence, SILENCE_SECONDS)
            )
            session.run(
                self._script(),
                operation="following the logs",
                on_message=self._hear,
                on_line=self._take,
                seconds=FOLLOW_SECONDS + SPARE_SECONDS,
            )
        except HadeployError as error:
            return error
        return None

    def _wait(self, error: HadeployError) -> None:
        if not self._lost:
            self._tell(
                f"{'' if self._session else 'cannot be reached: '}{error.message}; trying again"
            )
        self._lost = True
        if self._session:
            self._session.close()
            self._session = None
        self._stopped.wait(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)

    def _hear(self, message: Message) -> None:
        self._feed.hear(message)
        if message.kind == "begin":
            self._pause = FIRST_PAUSE_SECONDS
            if self._lost:
                self._tell("connected again")
            self._lost = False
        elif message.kind == "stopped":
            for container in set(message.words) - self._away:
                self._tell(f"{container} does not run; waiting for it")
            self._away |= set(message.words)
        elif message.kind == "running":
            for container in self._away & set(message.words):
                self._tell(f"{container} runs again")
            self._away -= set(message.words)

    def _take(self, raw: str) -> None:
        said = self._feed.take(raw)
        if isinstance(said, Remark):
            self._tell(f"{said.container}: {said.text}")
        elif said:
            self._events.put(said)

    def _tell(self, text: str) -> None:
        self._events.put(Notice(f"{self._feed.node}: {text}"))


def hopeless(error: HadeployError) -> bool:
    """Whether the same would come of every other attempt, or harm: the node lets us in no more."""
    return error.stage not in ("", "ssh-reach") or error.code is ExitCode.USAGE


def follow(followers: Sequence[Follower]) -> Generator[Line | Notice, None, None]:
    """The lines of all nodes by time, until no node is left to follow.

    Args:
        followers: one for each node; they are stopped in the end.

    Raises:
        NodesError: no node can be followed any more.
    """
    events: Queue[_Event] = Queue(MOST_WAITING)
    window = Window(WINDOW_SECONDS)
    errors: list[HadeployError] = []
    for follower in followers:
        follower.begin(events)
    try:
        while len(errors) < len(followers):
            for event in _next(events, window.due):
                if isinstance(event, Line):
                    window.add(event, time.monotonic())
                elif isinstance(event, Notice):
                    yield event
                else:
                    errors.append(event)
                    yield Notice(f"{event}; it is followed no more")
            yield from window.ready(time.monotonic())
    finally:
        for follower in followers:
            follower.stop()
    raise NodesError(errors)


def _next(events: Queue[_Event], until: float | None) -> list[_Event]:
    """All that has happened; if nothing has, what happens next, or nothing by that moment."""
    found: list[_Event] = []
    with contextlib.suppress(Empty):
        timeout = None if until is None else max(0.0, until - time.monotonic())
        found.append(events.get(timeout=timeout))
        while True:
            found.append(events.get_nowait())
    return found
