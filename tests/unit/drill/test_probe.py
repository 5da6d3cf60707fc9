"""Why a probe got no answer."""

from __future__ import annotations

import ssl

import pytest

from hadeploy.drill.probe import why


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(111, "Connect call failed ('198.51.100.100', 9443)"), "Connection refused"),
        (ConnectionError("closed without an answer"), "closed without an answer"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version"), "[SSL: WRONG_VERSION"),
        (ConnectionResetError(), "ConnectionResetError"),
        (EOFError(), "EOFError"),
    ],
)
def test_there_is_always_a_reason(error: OSError | EOFError, words: str) -> None:
    assert why(error).startswith(words)
