"""What is tried again, and what is not."""

from __future__ import annotations

import paramiko
import pytest

from hadeploy.errors import HadeployError
from hadeploy.remote.connect_errors import Stop, explained
from hadeploy.remote.retry import PermanentError, retried


class Clock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)

    def time(self) -> float:
        return self.now


def attempts(error: HadeployError, seconds: float) -> tuple[int, Clock]:
    """How often something that always fails is done within that time."""
    clock, done = Clock(), 0

    def work() -> None:
        nonlocal done
        done += 1
        raise error

    with pytest.raises(HadeployError):
        retried(work, until=seconds, sleep=clock.sleep, clock=clock.time)
    return done, clock


def test_pauses_grow_and_no_attempt_begins_after_the_deadline() -> None:
    done, clock = attempts(HadeployError("busy"), 10)
    assert 4 <= done <= 8
    assert clock.now < 10
    assert clock.pauses[-1] > 2 * clock.pauses[0]


def test_no_time_is_one_attempt() -> None:
    assert attempts(HadeployError("busy"), 0)[0] == 1


def test_what_must_not_be_tried_again_is_not() -> None:
    assert attempts(PermanentError("refused"), 1000)[0] == 1


@pytest.mark.parametrize(
    ("error", "offered", "again"),
    [
        (EOFError(), False, True),
        (ConnectionResetError(104, "Connection reset by peer"), False, True),
        (paramiko.SSHException("Error reading SSH protocol banner"), False, True),
        (EOFError(), True, False),
        (paramiko.AuthenticationException("no"), True, False),
        (ConnectionRefusedError(111, "Connection refused"), False, False),
        (TimeoutError(), False, False),
        (OSError(113, "No route to host"), False, False),
    ],
)
def test_which_failures_to_connect_are_tried_again(
    error: Exception, offered: bool, again: bool
) -> None:
    reported = explained(error, Stop("n1", "root@198.51.100.11:22"), 10, offered=offered)
    assert isinstance(reported, PermanentError) is not again
    assert reported.node == "n1"
    assert reported.hint
