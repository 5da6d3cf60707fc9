"""What the nodes have told so far while they are watched; filled from several threads."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Collection, Mapping

from hadeploy.drill.events import events_of
from hadeploy.drill.trial import Event, How, Kind, Request
from hadeploy.scripts.protocol import Message

_MARKS: tuple[Kind, ...] = ("breaking", "broken", "mending", "mended")


class Watched:
    """The events of one round.

    Args:
        vips: the addresses that matter.
        latency: seconds that a message takes from a node to here, by node label.
    """

    def __init__(self, vips: Collection[str], latency: Mapping[str, float]) -> None:
        self._vips = frozenset(vips)
        self._latency = latency
        self._lock = threading.Lock()
        # By the nodes' own clocks, and without doubles: a log is read again after a restart.
        self._events: dict[str, set[Event]] = {}
        self._asked: list[tuple[str, Request]] = []
        self._ahead: dict[str, float] = {}
        self._how: How | None = None

    def hear(self, node: str, message: Message) -> None:
        """Take in one message of a script.

        Args:
            node: where it comes from.
            message: of tasks/watch.sh, drill.sh or ask.sh; others are ignored.
        """
        arrived = time.time()
        words = message.words
        with self._lock:
            events = self._events.setdefault(node, set())
            if message.kind == "clock":
                # The quickest message tells most; a slow one was only held up.
                ahead = arrived - self._latency.get(node, 0.0) - float(words[0])
                self._ahead[node] = min(ahead, self._ahead.get(node, ahead))
            elif message.kind == "event":
                events.update(events_of(node, " ".join(words), self._vips))
            elif message.kind == "request":
                error = " ".join(words[2:])
                self._asked.append((node, Request(float(words[0]), float(words[1]), error)))
            elif message.kind == "request-kind":
                self._how = "http" if words[0] == "http" else "connect"
            else:
                events.update(
                    Event(float(words[0]), node, kind, "")
                    for kind in _MARKS
                    if kind == message.kind
                )

    def ready(self, nodes: Collection[str]) -> bool:
        """Whether all of these are being watched."""
        with self._lock:
            return self._ahead.keys() >= set(nodes)

    @property
    def how(self) -> How | None:
        """How a node asks through the VIP; None if none does."""
        return self._how

    def events(self) -> tuple[Event, ...]:
        """What has happened so far, by this machine's clock."""
        with self._lock:
            return tuple(
                sorted(
                    dataclasses.replace(event, at=event.at + self._ahead[node])
                    for node, events in self._events.items()
                    for event in events
                    if node in self._ahead
                )
            )

    def requests(self) -> tuple[Request, ...]:
        """What a node has asked so far, by this machine's clock."""
        with self._lock:
            return tuple(
                sorted(
                    Request(
                        request.due + self._ahead[node],
                        request.ended + self._ahead[node],
                        request.error,
                    )
                    for node, request in self._asked
                    if node in self._ahead
                )
            )
