"""The probe in its own process, so that this process does not delay it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from types import TracebackType

from benchmarks.figures import Observed
from benchmarks.probe import Probe

LONG_LIVED = 20
_READY_SECONDS = 30.0
# More than the timeouts of a request and of a long-lived connection.
_END_SECONDS = 30.0
_PRIORITY = 10


class Traffic:
    """Traffic for the duration of the block.

    Args:
        host: the VIP.
        port: the port.
        long_lived: the number of connections to keep open.
        answers: the number of answers before the block starts.

    Attributes:
        observed: the results, after the block.

    Raises:
        OSError: the VIP does not serve at the start.
    """

    observed: Observed

    def __init__(
        self, host: str, port: int, long_lived: int = LONG_LIVED, answers: int = 200
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, self._theirs = context.Pipe()
        self._process = context.Process(
            target=_work, args=(self._theirs, host, port, long_lived, answers), daemon=True
        )

    def __enter__(self) -> Traffic:
        self._process.start()
        self._theirs.close()
        if not self._ours.poll(_READY_SECONDS):
            self._end()
            raise ConnectionError(f"no answers within {_READY_SECONDS:g} s")
        problem = self._receive()
        if problem is not None:
            self._end()
            raise ConnectionError(str(problem))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._ours.send(None)
            if self._ours.poll(_END_SECONDS):
                seen = self._receive()
                if isinstance(seen, Observed):
                    self.observed = seen
        self._end()
        if kind is None and not hasattr(self, "observed"):
            raise ConnectionError("the probe did not report")

    def _receive(self) -> object:
        try:
            received: object = self._ours.recv()
        except EOFError:
            return "the probe has ended unexpectedly"
        return received

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        self._ours.close()


def _work(parent: Connection, host: str, port: int, long_lived: int, answers: int) -> None:
    # The parent handles Ctrl-C, and then kills this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The probe represents another machine, so load on this one must not delay it.
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    # A garbage collection would delay requests by some milliseconds, and there is little garbage.
    gc.disable()
    try:
        parent.send(asyncio.run(_probe(parent, Probe(host, port, long_lived), answers)))
    except OSError as error:
        parent.send(str(error))


async def _probe(parent: Connection, probe: Probe, answers: int) -> Observed:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(parent.fileno(), stop.set)
    return await probe.run(stop, answers, lambda: parent.send(None))
