"""Waiting with a deadline, for something that has a name."""

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
    """Ask until the answer is yes.

    Args:
        ready: the question; must not block for long.
        what: what is waited for, as it follows "waiting for".
        timeout: seconds until giving up.
        node: the node concerned.
        interval: seconds between two questions.
        detail: called when giving up, for what may explain it.

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
