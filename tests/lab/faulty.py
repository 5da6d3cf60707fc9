"""hadeploy with a fault at a chosen moment.

    python -m tests.lab.faulty KIND MOMENT COMMAND...

A moment is one line of progress: each phase and each step on a node has one, so the moments run
through every step boundary. MOMENT is its number, or a part of its text. KIND: `kill` ends this
process at once (SIGKILL); `interrupt` is what Ctrl-C does (SIGINT), `interrupt-twice` what a second
one does, `terminate` what cancelling a job does (SIGTERM), `hangup` what closing the terminal does
(SIGHUP), `pipe` what closing the other end of a pipe does; `stop` stops this process for three
seconds; `cut` closes the sockets of all SSH connections, `cut:ADDRESS` of those to one node;
`shell:COMMAND` runs a command on this machine and waits for it. An image that is being sent
("n2 sending") and what is waited for ("waiting for the VIP to move") are moments, too, by their
texts alone: their number is not fixed.
Where a text never appears, the exit code is 99: the test would prove nothing.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import paramiko

from hadeploy.cli.main import main
from hadeploy.ui.progress import Lines

# What `stop` prints.
CONTINUED = "stopped, and going on in 3 s"


def kill() -> None:
    """As a power failure of this machine would."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    """As Ctrl-C would."""
    os.kill(os.getpid(), signal.SIGINT)


def interrupt_twice() -> None:
    """As a user in a hurry would."""
    interrupt()
    interrupt()


def terminate() -> None:
    """As a job that is cancelled would."""
    os.kill(os.getpid(), signal.SIGTERM)


def hangup() -> None:
    """As a terminal that is closed would."""
    os.kill(os.getpid(), signal.SIGHUP)


def close_pipe() -> None:
    """As `| head -n 1` does: the reader of the output is gone."""
    unread, written = os.pipe()
    os.close(unread)
    for stream in (1, 2):
        os.dup2(written, stream)


def stop() -> None:
    """As a shell's Ctrl-Z and `fg`, or a laptop that sleeps for a moment."""
    sys.stderr.write(f"{CONTINUED}\n")
    sys.stderr.flush()
    subprocess.Popen(["sh", "-c", f"sleep 3; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)


def cut(address: str = "") -> None:
    """As a broken network would, only faster noticed.

    Args:
        address: whose connections alone break; "" for all.
    """
    # Objects from before an import are frozen (cli/main.py).
    gc.unfreeze()
    for transport in [thing for thing in gc.get_objects() if isinstance(thing, paramiko.Transport)]:
        with contextlib.suppress(OSError):
            if address in ("", transport.sock.getpeername()[0]):
                transport.sock.shutdown(socket.SHUT_RDWR)


def accident(kind: str) -> Callable[[], object]:
    """What happens: KIND, or KIND:WORDS."""
    name, _, words = kind.partition(":")
    if name == "cut":
        return functools.partial(cut, words)
    if name == "shell":
        return functools.partial(subprocess.run, ["sh", "-c", words], check=True)
    return {
        "kill": kill,
        "interrupt": interrupt,
        "interrupt-twice": interrupt_twice,
        "terminate": terminate,
        "hangup": hangup,
        "pipe": close_pipe,
        "stop": stop,
    }[name]


def counted(method: Callable[..., None], count: Callable[[str], None]) -> Callable[..., None]:
    """The same method; each call is a moment."""

    @functools.wraps(method)
    def reported(*arguments: Any, **named: Any) -> None:
        method(*arguments, **named)
        sys.stderr.flush()
        count(" ".join(str(argument) for argument in arguments[1:]))

    return reported


def arm(kind: str, moment: str) -> list[Callable[[], object]]:
    """Let the accident happen at that moment, once.

    Returns:
        What has not happened yet.
    """
    numbers = itertools.count(1)
    to_come = [accident(kind)]

    def happen(text: str) -> None:
        if to_come and not moment.isdigit() and moment in text:
            to_come.pop()()

    def count(text: str) -> None:
        if moment == str(next(numbers)) and to_come:
            to_come.pop()()
        happen(text)

    def sending(*arguments: Any, **named: Any) -> None:
        happen(f"{arguments[1]} sending {arguments[2]}")
        transfer(*arguments, **named)

    def waits(*arguments: Any, **named: Any) -> None:
        happen(f"waiting for {arguments[1]}")
        waiting(*arguments, **named)

    transfer, waiting = Lines.transfer, Lines.waiting
    Lines.transfer, Lines.waiting = sending, waits  # type: ignore[method-assign]
    for name in ("phase", "node"):
        setattr(Lines, name, counted(getattr(Lines, name), count))
    return to_come


def run(kind: str, moment: str, *command: str) -> None:
    """Run hadeploy with the accident."""
    to_come = arm(kind, moment)
    sys.argv = ["hadeploy", *command]
    try:
        main()
    finally:
        # The number of moments is unknown.
        if to_come and not moment.isdigit():
            sys.stderr.write(f"the moment never came: {moment}\n")
            sys.exit(99)


if __name__ == "__main__":
    run(*sys.argv[1:])
