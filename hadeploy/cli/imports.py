"""Importing quickly."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Little that imports make is garbage; looking for it takes a seventh of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
