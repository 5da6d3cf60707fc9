"""Turn errors of parsers into errors of the node."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager

from hadeploy.errors import HadeployError


@contextmanager
def parsing(node: str, operation: str, hint: str | None = None) -> Iterator[None]:
    """Parse the answer of a node in the body.

    Args:
        operation: of the error.
        hint: of the error.

    Raises:
        HadeployError: the answer cannot be parsed.
    """
    try:
        yield
    except (
        *(ValueError, LookupError, TypeError, AttributeError),
        # csv.Error is not a subclass of these.
        *(OverflowError, RecursionError, csv.Error),
    ) as error:
        raise HadeployError(
            "cannot parse the node's answer",
            node=node,
            operation=operation,
            detail=f"{type(error).__name__}: {error}"[:200],
            hint=hint,
        ) from error
