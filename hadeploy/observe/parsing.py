"""What a node answers is parsed, or it is an error that names the node: never an internal one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

from hadeploy.errors import HadeployError


@contextmanager
def parsing(node: str, operation: str, hint: str | None = None) -> Iterator[None]:
    """Parse an answer in the body; nothing is believed by halves.

    Args:
        node: who gave it.
        operation: what was being done.
        hint: where to look.

    Raises:
        HadeployError: it makes no sense.
    """
    try:
        yield
    except (
        *(ValueError, LookupError, TypeError, AttributeError),
        # csv has an error of its own, which is none of these.
        *(OverflowError, RecursionError, csv.Error),
    ) as error:
        raise HadeployError(
            "cannot parse the node's answer",
            node=node,
            operation=operation,
            detail=f"{type(error).__name__}: {error}"[:200],
            hint=hint,
        ) from error
