"""Rollouts on fake nodes take milliseconds."""

from __future__ import annotations

import pytest

from tests.unit.rollout.rollouts import without_waiting


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing sleeps, and observations come from the fake nodes."""
    without_waiting(monkeypatch)
