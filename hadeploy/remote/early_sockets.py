"""TCP connections to the nodes that are opened while the SSH library is imported.

A server needs a round trip, and a new process, before it sends its banner (RFC 4253, 4.2). The
import takes as long.
"""

from __future__ import annotations

import socket
import threading
from concurrent.futures import Future


class EarlySockets:
    """Sockets to servers; each is used for the first connection only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        # None: taken.
        self._sockets: dict[tuple[str, int], Future[socket.socket] | None] = {}

    def open(self, host: str, port: int, timeout: float) -> None:
        """Start to connect to a server, in the background.

        Args:
            timeout: the connect timeout in seconds.
        """
        future: Future[socket.socket] = Future()
        with self._lock:
            if self._closed or (host, port) in self._sockets:
                return
            self._sockets[host, port] = future

        def connect() -> None:
            try:
                future.set_result(socket.create_connection((host, port), timeout))
            except OSError as error:
                future.set_exception(error)

        # A daemon: the end of this program does not wait for a server that does not answer.
        threading.Thread(target=connect, daemon=True).start()

    def take(self, host: str, port: int) -> socket.socket | None:
        """The socket to a server; wait for it if necessary.

        Returns:
            None if it was not opened, was taken already, or failed other than by its timeout: then
            another attempt takes no time and has the error.

        Raises:
            TimeoutError: the server did not answer.
        """
        with self._lock:
            future = self._sockets.get((host, port))
            self._sockets[host, port] = None
        if future is None:
            return None
        try:
            return future.result()
        except TimeoutError:
            raise
        except OSError:
            return None

    def close(self) -> None:
        """Close the sockets that were not taken."""
        with self._lock:
            self._closed = True
            left = [future for future in self._sockets.values() if future]
            self._sockets.clear()
        for future in left:
            future.add_done_callback(_close)


def _close(future: Future[socket.socket]) -> None:
    if not future.exception():
        future.result().close()
