"""The values of `--since`, and the option for docker."""

from __future__ import annotations

import pytest

from hadeploy.logs.since import docker_since


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ("10m", "10m"),
        ("1h30m", "1h30m"),
        ("1.5h", "1.5h"),
        ("250ms", "250ms"),
        ("1795486757", "1795486757"),
        ("1795486757.5", "1795486757.5"),
        ("2026-11-24", "2026-11-24T00:00:00.000000Z"),
        ("2026-11-24T14:05", "2026-11-24T14:05:00.000000Z"),
        ("2026-11-24 14:05:06", "2026-11-24T14:05:06.000000Z"),
        ("2026-11-24T14:05:06.673691051Z", "2026-11-24T14:05:06.673691Z"),
        ("2026-11-24T00:05+01:00", "2026-11-23T23:05:00.000000Z"),
    ],
)
def test_what_it_takes(text: str, reported: str) -> None:
    assert docker_since(text) == reported


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "10 m",
        "-5m",
        "1d",
        "m",
        "yesterday",
        "2026-13-01",
        "2026-11-24T25:00",
        "10m; reboot",
    ],
)
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        docker_since(text)
