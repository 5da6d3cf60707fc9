"""Traffic through the VIP while something changes."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.harness import Cluster

EVERY_SECONDS = 0.005


class Probe:
    """A new connection with a request through the VIP, one after the other.

    Attributes:
        done: how many.
        failed: why, for each that got no answer.
        silence: the longest time, in seconds, from one answer to the last failure after it.
    """

    def __init__(self, vip: str, *, stranger: bool = False, tls: bool = False) -> None:
        self._vip = vip
        self._tls = _trusting() if tls else None
        self._stranger = stranger
        self._stop = threading.Event()
        self.done = 0
        self.failed: list[str] = []
        self.silence = 0.0

    def run(self) -> None:
        """Until `stop`."""
        answered = time.monotonic()
        while not self._stop.wait(EVERY_SECONDS):
            if self._stranger:
                forget(self._vip)
            started = time.monotonic()
            try:
                with self._connect() as connection:
                    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    answer = connection.recv(64)
                    if b" 200 " not in answer:
                        raise ConnectionError(f"answered {answer!r}")
            except OSError as error:
                self.failed.append(f"{error} after {time.monotonic() - started:.2f} s")
                self.silence = max(self.silence, time.monotonic() - answered)
            else:
                answered = time.monotonic()
            self.done += 1

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((self._vip, 9443), timeout=5)
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection)
        except OSError:
            connection.close()
            raise

    def stop(self) -> None:
        """End it."""
        self._stop.set()


def _trusting() -> ssl.SSLContext:
    """Accept every certificate: the probe is whether the server answers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def forget(vip: str) -> None:
    """Let this machine ask anew who has the VIP."""
    family = "-6" if ":" in vip else "-4"
    # Where nothing is known of it there is nothing to flush, which is an error.
    subprocess.run(["ip", family, "neigh", "flush", "to", vip], capture_output=True, check=False)


@contextmanager
def probing(
    cluster: Cluster, vip: str | None = None, *, stranger: bool = False, tls: bool = False
) -> Iterator[Probe]:
    """Requests for as long as the body lasts.

    Args:
        cluster: where.
        vip: through which; default: the lab's own.
        stranger: whether this machine has no neighbour entry for the VIP at the start.
        tls: whether the API servers speak TLS.

    Yields:
        The probe.
    """
    probe = Probe(vip or cluster.lab.vip, stranger=stranger, tls=tls)
    thread = threading.Thread(target=probe.run)
    thread.start()
    try:
        yield probe
    finally:
        probe.stop()
        thread.join()
