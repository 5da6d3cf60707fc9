"""A slow link: a TCP relay that delivers every byte later, and in order.

A delay is that of the link, not of the bytes: any number of them may be under way at a time, as on
a long cable. Opening a connection costs its round trip, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hadeploy.errors import HadeployError

_CHUNK = 64 * 1024
_Pieces: TypeAlias = "asyncio.Queue[tuple[float, bytes]]"
_START_SECONDS = 10.0


@dataclass(frozen=True)
class Door:
    """Where a server is reached.

    Args:
        host: its address.
        port: its port.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@contextlib.contextmanager
def relays(doors: Sequence[Door], delay: float, host: str = "127.0.0.1") -> Iterator[list[Door]]:
    """A relay in front of each server, for as long as the body lasts.

    Args:
        doors: the servers.
        delay: seconds that a round trip takes more.
        host: where the relays listen.

    Returns:
        Where each server is reached through its relay.
    """
    opened: list[Door] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    # asyncio itself holds a task weakly: one whose client has said all would be collected as
    # garbage while it waits for the server (CPython's manual, create_task).
    serving: set[asyncio.Task[None]] = set()

    async def serve() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for door in doors:
                server = await asyncio.start_server(_Relay(door, delay, serving).serve, host, 0)
                await stack.enter_async_context(server)
                opened.append(Door(*server.sockets[0].getsockname()[:2]))
            ready.set()
            await stop.wait()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise HadeployError("it did not start", operation="setting up a slow link")
        yield opened
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_SECONDS)
        if not thread.is_alive():
            loop.close()


@dataclass(frozen=True)
class _Relay:
    door: Door
    delay: float
    serving: set[asyncio.Task[None]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        if task := asyncio.current_task():
            self.serving.add(task)
            task.add_done_callback(self.serving.discard)
        said: _Pieces = asyncio.Queue()
        heard: _Pieces = asyncio.Queue()
        taking = [asyncio.create_task(_take(reader, said, self.delay / 2))]
        try:
            # The client believes to be connected at once. The server would have heard the last
            # word of the handshake after one and a half round trips, and may speak from then on.
            await asyncio.sleep(1.5 * self.delay)
            there, back = await asyncio.open_connection(self.door.host, self.door.port)
            taking.append(asyncio.create_task(_take(there, heard, self.delay / 2)))
            try:
                await asyncio.gather(_give(said, back), _give(heard, writer))
            finally:
                back.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for task in taking:
                task.cancel()
            writer.close()


async def _take(reader: asyncio.StreamReader, pieces: _Pieces, delay: float) -> None:
    """All that one side says, with when it is due, and an empty piece at its end."""
    piece = b"begin"
    while piece:
        try:
            piece = await reader.read(_CHUNK)
        except OSError:
            piece = b""
        await pieces.put((asyncio.get_running_loop().time() + delay, piece))


async def _give(pieces: _Pieces, writer: asyncio.StreamWriter) -> None:
    """Hand all of it on when it is due, and then the end."""
    while True:
        due, piece = await pieces.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if not piece:
            break
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
