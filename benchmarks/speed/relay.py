"""A slow link: a TCP relay that delivers every byte later, and in order.

Like on a long cable, the delay does not limit the number of bytes in transit. Opening a connection
also takes a round trip.
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
    """The endpoint of a server.

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
    """A relay for each server, for the duration of the block.

    Args:
        doors: the endpoints of the servers.
        delay: additional seconds of a round trip.
        host: the address of the relays.

    Returns:
        The endpoints of the relays.
    """
    opened: list[Door] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    # asyncio has only weak references to tasks, so a waiting task could be garbage collected
    # (Python documentation, create_task).
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
            raise HadeployError("the relay did not start", operation="setting up a slow link")
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
        """Serve one connection to its end."""
        if task := asyncio.current_task():
            self.serving.add(task)
            task.add_done_callback(self.serving.discard)
        sent: _Pieces = asyncio.Queue()
        received: _Pieces = asyncio.Queue()
        taking = [asyncio.create_task(_take(reader, sent, self.delay / 2))]
        try:
            # The client is connected at once. On a real link, the server would receive the end of
            # the handshake after one and a half round trips, and could send from then on.
            await asyncio.sleep(1.5 * self.delay)
            from_server, to_server = await asyncio.open_connection(self.door.host, self.door.port)
            taking.append(asyncio.create_task(_take(from_server, received, self.delay / 2)))
            try:
                await asyncio.gather(_give(sent, to_server), _give(received, writer))
            finally:
                to_server.close()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for task in taking:
                task.cancel()
            writer.close()


async def _take(reader: asyncio.StreamReader, pieces: _Pieces, delay: float) -> None:
    """Read all data of one side, with the time when it is due, and an empty piece at the end."""
    piece = b"begin"
    while piece:
        try:
            piece = await reader.read(_CHUNK)
        except OSError:
            piece = b""
        await pieces.put((asyncio.get_running_loop().time() + delay, piece))


async def _give(pieces: _Pieces, writer: asyncio.StreamWriter) -> None:
    """Write the data when it is due, and then the end of the stream."""
    while True:
        due, piece = await pieces.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if not piece:
            break
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
