"""How many examples a property is tried with."""

from __future__ import annotations

import os

from hypothesis import settings


def examples(most: int) -> settings:
    """Settings for a few examples, which take a moment; with HADEPLOY_FUZZ=1 for ten times as many.

    Args:
        most: without it.
    """
    return settings(
        max_examples=most * (10 if os.environ.get("HADEPLOY_FUZZ") else 1), deadline=None
    )
