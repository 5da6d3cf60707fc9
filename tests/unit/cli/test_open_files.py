"""A low limit of open files is reported before the first connection."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

from hadeploy.cli.open_files import limit_reached


def limited(limit: str, *arguments: str) -> tuple[int, str]:
    """What hadeploy says under `ulimit LIMIT`."""
    command = f'ulimit {limit}; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "hadeploy", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


def test_too_few_open_files_are_refused() -> None:
    code, said = limited("-n 20", "plan")
    assert code == 2
    assert "error: the limit of open files is 20; at least 64 are needed" in said
    assert "next: ulimit -n 4096 (the hard limit is 20: see limits.conf or LimitNOFILE)" in said


def test_a_soft_limit_is_raised() -> None:
    code, said = limited("-Sn 20", "schema")
    assert (code, said) == (0, "")


def test_a_drill_with_more_requests_than_that_is_refused() -> None:
    code, said = limited("-n 64", "drill", "--rate", "50")
    assert code == 2
    assert "the limit of open files is 64; at least 214 are needed" in said
    assert "a lower --rate, or ulimit -n 4096" in said


@pytest.mark.parametrize(
    ("number", "out"), [(errno.EMFILE, True), (errno.ENFILE, True), (errno.EIO, False)]
)
def test_the_cause_is_found_below_others(number: int, out: bool) -> None:
    error = RuntimeError("x")
    error.__cause__ = OSError(number, "y")
    assert limit_reached(error) is out
