"""Traffic through the VIP: a new connection every 5 ms, and long-lived connections.

Requests start at fixed times, independent of earlier requests, so that one that hangs does not
delay others.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable

from benchmarks.figures import LongLived, Observed, Request

EVERY_SECONDS = 0.005
TIMEOUT_SECONDS = 5.0
_TALK_SECONDS = 0.25
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_KEPT = b"GET / HTTP/1.1\r\nHost: api\r\n\r\n"
_WATCH = b"GET /watch HTTP/1.1\r\nHost: api\r\n\r\n"


class Probe:
    """A probe of one address.

    Args:
        host: the VIP.
        port: the port.
        long_lived: the number of connections to open first and keep. Half of them are streams, on
            which the server sends ten lines a second; the others send four requests a second.
    """

    def __init__(self, host: str, port: int, long_lived: int) -> None:
        self._host = host
        self._port = port
        self._held = [_Held("stream" if i % 2 else "keep-alive") for i in range(long_lived)]
        self._requests: list[Request] = []
        self._answered = 0
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, answers: int, ready: Callable[[], None]) -> Observed:
        """Open the long-lived connections, then send requests.

        Args:
            stop: set to end it.
            answers: the number of answers until it is ready.
            ready: called after these answers, when all long-lived connections are open.

        Raises:
            OSError: the long-lived connections could not be opened.
        """
        held = [asyncio.ensure_future(self._hold(one)) for one in self._held]
        while not all(one.last for one in self._held):
            if broken := [one.error for one in self._held if one.error]:
                raise ConnectionError(f"a long-lived connection was not opened: {broken[0]}")
            await asyncio.sleep(0.01)
        await self._pace(stop, answers, ready)
        stopped = time.monotonic()
        # Use each connection once more, to detect broken ones.
        for one in self._held:
            one.until = stopped
        await asyncio.gather(*held, *self._under_way)
        return Observed(
            sorted(self._requests, key=lambda request: request.due),
            [LongLived(one.kind, one.error, one.broke) for one in self._held],
            stopped,
        )

    async def _pace(self, stop: asyncio.Event, answers: int, ready: Callable[[], None]) -> None:
        due = time.monotonic()
        is_ready = False
        while not stop.is_set():
            task = asyncio.ensure_future(self._ask(due))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            if not is_ready and self._answered >= answers:
                is_ready = True
                ready()
            due += EVERY_SECONDS
            # No pause if the probe is late.
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ask(self, due: float) -> None:
        started = time.monotonic()
        error = ""
        try:
            await asyncio.wait_for(self._exchange(), TIMEOUT_SECONDS)
            self._answered += 1
        except (OSError, asyncio.TimeoutError) as problem:
            error = _error_text(problem)
        self._requests.append(Request(due, started, time.monotonic(), error))

    async def _exchange(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(_REQUEST)
            answer = await reader.read()
        finally:
            writer.close()
        if not answer:
            raise ConnectionError("closed without an answer")
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " not in head or not body.endswith(b"\n"):
            raise ConnectionError("an incomplete answer")

    async def _hold(self, held: _Held) -> None:
        try:
            opening = asyncio.open_connection(self._host, self._port)
            reader, writer = await asyncio.wait_for(opening, TIMEOUT_SECONDS)
            try:
                await (_watch if held.kind == "stream" else _talk)(held, reader, writer)
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as problem:
            held.broke = time.monotonic()
            held.error = _error_text(problem)


class _Held:
    """An open long-lived connection."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.last = 0.0
        self.until: float | None = None
        self.error = ""
        self.broke: float | None = None

    def record_exchange(self) -> bool:
        """Record an exchange; return whether to continue."""
        self.last = time.monotonic()
        return self.until is None


async def _watch(held: _Held, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(_WATCH)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT_SECONDS)
    while True:
        await asyncio.wait_for(reader.readuntil(b"\n"), TIMEOUT_SECONDS)
        if not held.record_exchange():
            return


async def _talk(held: _Held, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        asked_after_the_end = held.until is not None
        writer.write(_KEPT)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), TIMEOUT_SECONDS)
        await asyncio.wait_for(reader.readuntil(b"\n"), TIMEOUT_SECONDS)
        held.record_exchange()
        if asked_after_the_end:
            return
        await asyncio.sleep(_TALK_SECONDS)


def _error_text(problem: BaseException) -> str:
    """A short description of a failure, equal for equal causes."""
    if isinstance(problem, asyncio.TimeoutError | TimeoutError):
        return "timed out"
    if isinstance(problem, asyncio.IncompleteReadError):
        return "closed"
    if isinstance(problem, OSError) and problem.errno:
        return errno.errorcode.get(problem.errno, str(problem.errno))
    return str(problem)
