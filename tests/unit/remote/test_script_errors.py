"""The error of a script that did not finish."""

from __future__ import annotations

import pytest

from hadeploy.remote.script_errors import lost


@pytest.mark.parametrize(
    ("error", "said"),
    [(EOFError(), "(EOFError)"), (OSError("Socket is closed"), "(Socket is closed)")],
)
def test_an_error_without_a_message_is_reported_by_its_name(error: Exception, said: str) -> None:
    assert said in lost("n1", "applying", error).message
