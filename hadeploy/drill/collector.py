"""Collects the events and requests that nodes report while they are monitored."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Collection, Mapping

from hadeploy.drill.events import events_of
from hadeploy.drill.round import Event, Kind, Request, RequestKind
from hadeploy.scripts.protocol import Message

_MARKS: tuple[Kind, ...] = ("breaking", "broken", "mending", "mended")


class EventCollector:
    """The events of one round; several threads add to it.

    Args:
        vips: the addresses to report.
        latency: seconds that a message takes from a node to this machine, by node label.
    """

    def __init__(self, vips: Collection[str], latency: Mapping[str, float]) -> None:
        self._vips = frozenset(vips)
        self._latency = latency
        self._lock = threading.Lock()
        # By the clocks of the nodes. Sets: a log is read again after a restart.
        self._events: dict[str, set[Event]] = {}
        self._requests: list[tuple[str, Request]] = []
        self._clock_offsets: dict[str, float] = {}
        self._request_kind: RequestKind | None = None

    def receive(self, node: str, message: Message) -> None:
        """Add one message of tasks/watch.sh, drill.sh or ask.sh; others are ignored."""
        arrived = time.time()
        words = message.words
        with self._lock:
            events = self._events.setdefault(node, set())
            if message.kind == "clock":
                # The fastest message gives the best estimate; slower ones were delayed.
                offset = arrived - self._latency.get(node, 0.0) - float(words[0])
                self._clock_offsets[node] = min(offset, self._clock_offsets.get(node, offset))
            elif message.kind == "event":
                events.update(events_of(node, " ".join(words), self._vips))
            elif message.kind == "request":
                error = " ".join(words[2:])
                self._requests.append((node, Request(float(words[0]), float(words[1]), error)))
            elif message.kind == "request-kind":
                self._request_kind = "http" if words[0] == "http" else "connect"
            else:
                events.update(
                    Event(float(words[0]), node, kind, "")
                    for kind in _MARKS
                    if kind == message.kind
                )

    def ready(self, nodes: Collection[str]) -> bool:
        """Whether all of these nodes are monitored."""
        with self._lock:
            return self._clock_offsets.keys() >= set(nodes)

    @property
    def request_kind(self) -> RequestKind | None:
        """The kind of the requests that a node sends; None if no node sends any."""
        return self._request_kind

    def events(self) -> tuple[Event, ...]:
        """The events so far, by the clock of this machine."""
        with self._lock:
            return tuple(
                sorted(
                    dataclasses.replace(event, at=event.at + self._clock_offsets[node])
                    for node, events in self._events.items()
                    for event in events
                    if node in self._clock_offsets
                )
            )

    def requests(self) -> tuple[Request, ...]:
        """The requests of a node so far, by the clock of this machine."""
        with self._lock:
            return tuple(
                sorted(
                    Request(
                        request.due + self._clock_offsets[node],
                        request.ended + self._clock_offsets[node],
                        request.error,
                    )
                    for node, request in self._requests
                    if node in self._clock_offsets
                )
            )
