"""Wait for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from hadeploy.errors import HadeployError


def wait_until(
    ready: Callable[[], bool],
    *,
    what: str,
    timeout: float,
    node: str | None = None,
    interval: float = 0.02,
    detail: Callable[[], str] = lambda: "",
) -> None:
    """Wait until a condition is true.

    Args:
        ready: the condition; must not block for long.
        what: completes "waiting for".
        timeout: in seconds.
        node: for the error message.
        interval: seconds between two calls.
        detail: called after the timeout, for the detail of the error.

    Raises:
        HadeployError: it did not become true in time.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise HadeployError(
                f"not within {timeout:g} s",
                node=node,
                operation=f"waiting for {what}",
                detail=detail() or None,
            )
        time.sleep(interval)
