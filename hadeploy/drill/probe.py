"""Requests through the VIP from here, started by the clock: one that hangs hides no other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import time
from types import TracebackType

from hadeploy.drill.trial import How, Request

TIMEOUT_SECONDS = 3.0
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_HOWS: tuple[How, ...] = ("tls", "http", "connect")


class Prober:
    """Asks from a thread of its own, as a context manager.

    Args:
        address: the VIP.
        port: the port.
        how: what counts as an answer.
        rate: requests a second.
    """

    def __init__(self, address: str, port: int, how: How, rate: float) -> None:
        self._target = (address, port)
        self._how = how
        self._every = 1 / rate
        self._stop = threading.Event()
        self._requests: list[Request] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._pace()), daemon=True)
        # One clock for all, which no change of the time affects.
        self._zero = time.time() - time.monotonic()

    def __enter__(self) -> Prober:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def requests(self) -> tuple[Request, ...]:
        """Those that have ended, in the order in which they were due."""
        return tuple(sorted(self._requests))

    async def _pace(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not self._stop.is_set():
            task = asyncio.ensure_future(self._ask(due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += self._every
            # Zero when late: then the ones that are due are started without a pause.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*under_way)

    async def _ask(self, due: float) -> None:
        error = await ask(*self._target, self._how)
        self._requests.append(Request(self._zero + due, self._zero + time.monotonic(), error))


async def ask(address: str, port: int, how: How) -> str:
    """One new connection.

    Returns:
        Why there was no answer; "" if there was one.
    """
    try:
        await asyncio.wait_for(_exchange(address, port, how), TIMEOUT_SECONDS)
    except asyncio.TimeoutError:
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    except (OSError, EOFError) as error:
        return why(error)
    return ""


def why(error: OSError | EOFError) -> str:
    """Why there was no answer; never ""."""
    # asyncio puts its own words in the place of the system's; the numbers of TLS are its own.
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def find_how(address: str, port: int) -> How | None:
    """What can be asked through the VIP: the most that is answered now.

    Returns:
        None if not even a connection opens.
    """
    return next((how for how in _HOWS if not asyncio.run(ask(address, port, how))), None)


async def _exchange(address: str, port: int, how: How) -> None:
    trust = _anything() if how == "tls" else None
    reader, writer = await asyncio.open_connection(address, port, ssl=trust)
    try:
        if how == "http":
            writer.write(_REQUEST)
            if not await reader.read(1):
                raise ConnectionError("closed without an answer")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _anything() -> ssl.SSLContext:
    """Accept any certificate: the question is whether there is an answer; nothing is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
