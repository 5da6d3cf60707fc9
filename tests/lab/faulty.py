"""hadeploy with an accident at a chosen moment.

    python -m tests.lab.faulty KIND MOMENT COMMAND...

A moment is one line of progress: each phase and each step on a node is told, so the moments run
through every step boundary. MOMENT is its number, or a part of its text. KIND: `kill` ends this
process at once (SIGKILL); `interrupt` is what Ctrl-C does (SIGINT), `interrupt-twice` what a second
one does; `cut` closes the sockets of all SSH connections, `cut:ADDRESS` of those to one node.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import paramiko

from hadeploy.cli.main import main
from hadeploy.ui.progress import Lines


def kill() -> None:
    """As the machine's end would."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    """As Ctrl-C would."""
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_twice() -> None:
    """As somebody in a hurry would."""
    interrupt()
    interrupt()


def cut(address: str = "") -> None:
    """As a broken network would, only faster noticed.

    Args:
        address: whose connections alone break; "" for all.
    """
    for transport in [thing for thing in gc.get_objects() if isinstance(thing, paramiko.Transport)]:
        with contextlib.suppress(OSError):
            if address in ("", transport.sock.getpeername()[0]):
                transport.sock.shutdown(socket.SHUT_RDWR)


def accident(kind: str) -> Callable[[], None]:
    """What happens: KIND, or KIND:ADDRESS."""
    name, _, address = kind.partition(":")
    if name == "cut":
        return functools.partial(cut, address)
    return {"kill": kill, "interrupt": interrupt, "interrupt-twice": interrupt_twice}[name]


def counted(method: Callable[..., None], count: Callable[[str], None]) -> Callable[..., None]:
    """The same method; each call is a moment."""

    @functools.wraps(method)
    def told(*arguments: Any, **named: Any) -> None:
        method(*arguments, **named)
        sys.stderr.flush()
        count(" ".join(str(argument) for argument in arguments[1:]))

    return told


def arm(kind: str, moment: str) -> None:
    """Let the accident happen at that moment, once."""
    numbers = itertools.count(1)
    to_come = [accident(kind)]

    def count(text: str) -> None:
        number = next(numbers)
        if to_come and (moment == str(number) or (not moment.isdigit() and moment in text)):
            to_come.pop()()

    for name in ("phase", "node"):
        setattr(Lines, name, counted(getattr(Lines, name), count))


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2])
    sys.argv = ["hadeploy", *sys.argv[3:]]
    main()
