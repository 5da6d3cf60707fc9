"""The same work on many nodes at once; every failure is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from hadeploy.errors import HadeployError, NodesError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_AT_ONCE = 64


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
                results.append(future.result())
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
