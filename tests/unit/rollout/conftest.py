"""Rollouts on fake nodes take milliseconds."""

from __future__ import annotations

import pytest

from tests.unit.rollout.rollouts import without_waiting


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing sleeps, and looks are understood as fake nodes give them."""
    without_waiting(monkeypatch)
