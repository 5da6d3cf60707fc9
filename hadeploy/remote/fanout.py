"""The same work on many nodes at once; every failure is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from hadeploy.errors import HadeployError, NodesError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_AT_ONCE = 64
# Python looks for signals before it waits, and when a signal ends the wait: one that comes in
# between is not seen before the wait ends. So no wait is long.
SIGNAL_SECONDS = 0.5


def result_of(future: Future[Result]) -> Result:
    """What a thread comes to; waited for so that Ctrl-C always gets through.

    Raises:
        Exception: as the thread did.
    """
    while not wait([future], timeout=SIGNAL_SECONDS).done:
        pass
    return future.result()


def try_each(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple[list[Result], list[HadeployError]]:
    """Do the work on all items in parallel.

    Args:
        work: done in a thread each.
        items: on these.
        meanwhile: what this thread does before it waits for them.

    Returns:
        The results of those that succeeded, in order, and the errors of those that failed.
    """
    todo = list(items)
    results: list[Result] = []
    errors: list[HadeployError] = []
    pool = ThreadPoolExecutor(max_workers=max(1, min(len(todo), MOST_AT_ONCE)))
    try:
        futures = [pool.submit(work, item) for item in todo]
        meanwhile()
        for future in futures:
            try:
                results.append(result_of(future))
            except HadeployError as error:
                errors.append(error)
    finally:
        # Not waited for: after Ctrl-C the caller closes the connections, and that ends them.
        pool.shutdown(wait=False, cancel_futures=True)
    return results, errors


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """As `try_each`, where one failure is a failure of the whole.

    Raises:
        NodesError: with every failure.
    """
    results, errors = try_each(work, items)
    if errors:
        raise NodesError(errors)
    return results
