"""What the catalogue says of one check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        id: stable; `--skip` and `--json` use it.
        title: for a table.
        proves: what is true if it passes.
        fix: what to do if it does not.
        essential: whether nothing at all can be planned without it; then `plan` and `up` do not
            let it be skipped.
        thorough: whether only `check` makes it, and `up` where nothing of ours was applied or where
            the plan could make it fail (check/needed.py).
    """

    id: str
    title: str
    proves: str
    fix: str
    essential: bool = False
    thorough: bool = False
