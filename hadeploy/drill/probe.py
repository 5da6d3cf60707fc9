"""Sends requests through the VIP at a fixed rate; a request that hangs does not delay others."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import threading
import time
from types import TracebackType

from hadeploy.drill.round import Request, RequestKind

TIMEOUT_SECONDS = 3.0
_REQUEST = b"GET / HTTP/1.0\r\n\r\n"
_KINDS: tuple[RequestKind, ...] = ("tls", "http", "connect")


class Prober:
    """Sends requests from its own thread; a context manager.

    Args:
        address: the VIP.
        port: of a listener.
        kind: the kind of the requests.
        rate: requests per second.
    """

    def __init__(self, address: str, port: int, kind: RequestKind, rate: float) -> None:
        self._target = (address, port)
        self._kind = kind
        self._every = 1 / rate
        self._stop = threading.Event()
        self._requests: list[Request] = []
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._send_at_rate()), daemon=True
        )
        # Changes of the system time do not affect the monotonic clock.
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
        """The completed requests, ordered by the time when they were due."""
        return tuple(sorted(self._requests))

    async def _send_at_rate(self) -> None:
        under_way: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not self._stop.is_set():
            task = asyncio.ensure_future(self._send(due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += self._every
            # Zero if late: overdue requests start without a pause.
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*under_way)

    async def _send(self, due: float) -> None:
        error = await send_request(*self._target, self._kind)
        self._requests.append(Request(self._zero + due, self._zero + time.monotonic(), error))


async def send_request(address: str, port: int, kind: RequestKind) -> str:
    """Send one request on a new connection.

    Returns:
        Why there was no answer; "" if there was one.
    """
    try:
        await asyncio.wait_for(_exchange(address, port, kind), TIMEOUT_SECONDS)
    except asyncio.TimeoutError:
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    except (OSError, EOFError) as error:
        return why(error)
    return ""


def why(error: OSError | EOFError) -> str:
    """Why there was no answer; never ""."""
    # asyncio replaces the message of the system; TLS has its own error numbers.
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error) or type(error).__name__


def find_request_kind(address: str, port: int) -> RequestKind | None:
    """The most complete kind of request that is answered through the VIP now.

    Returns:
        None if no connection opens.
    """
    return next(
        (kind for kind in _KINDS if not asyncio.run(send_request(address, port, kind))), None
    )


async def _exchange(address: str, port: int, kind: RequestKind) -> None:
    tls = _any_certificate() if kind == "tls" else None
    reader, writer = await asyncio.open_connection(address, port, ssl=tls)
    try:
        if kind == "http":
            writer.write(_REQUEST)
            if not await reader.read(1):
                raise ConnectionError("closed without an answer")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _any_certificate() -> ssl.SSLContext:
    """Accept any certificate: only the answer counts, and no data is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
