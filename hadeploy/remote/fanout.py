"""Runs the same work on many nodes in parallel, and keeps every failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from hadeploy.errors import HadeployError, NodesError

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 64
# Python handles signals before a wait, and if a signal interrupts the wait. A signal that arrives
# in between is handled only after the wait, so each wait is short.
SIGNAL_SECONDS = 0.5


def result_of(future: Future[Result]) -> Result:
    """The result of a thread; Ctrl-C interrupts the wait.

    Raises:
        Exception: the exception of the thread.
    """
    while not wait([future], timeout=SIGNAL_SECONDS).done:
        pass
    return future.result()


def try_each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[list[Result], list[HadeployError]]:
    """Do the work on all items in parallel, each in its own thread.

    Args:
        work: called with each item.
        items: the items.
        meanwhile: called in this thread, before it waits for the others.

    Returns:
        The results of the calls that succeeded, in order, and the errors of the others.
    """
    todo = list(items)
    results: list[Result] = []
    errors: list[HadeployError] = []
    pool = ThreadPoolExecutor(max_workers=max(1, min(len(todo), MAX_THREADS)))
    try:
        futures = [pool.submit(work, item) for item in todo]
        meanwhile()
        for future in futures:
            try:
                results.append(result_of(future))
            except HadeployError as error:
                errors.append(error)
    finally:
        # After Ctrl-C the caller closes the connections, which ends the threads.
        pool.shutdown(wait=False, cancel_futures=True)
    return results, errors


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """As `try_each`, but raises if one call fails.

    Raises:
        NodesError: with all failures.
    """
    results, errors = try_each(work, items)
    if errors:
        raise NodesError(errors)
    return results
