"""The process of one cluster of a fleet: hadeploy with another way to end and to report errors."""

from __future__ import annotations

import os
import signal
import sys
import threading

from hadeploy.cli.main import main as hadeploy
from hadeploy.errors import HadeployError, NodesError
from hadeploy.fleet.messages import record

# `python -c` runs this. The search path is that of the fleet's process, without the current
# directory. Before the command starts, SIGINT ends the process.
BOOT = (
    "import sys; sys.path[:] = sys.argv.pop(1).split('\\n');"
    " import signal; signal.signal(signal.SIGINT, signal.SIG_DFL);"
    " from hadeploy.cli.fleet_member import main; main()"
)


def command_line(lifeline: int, words: list[str]) -> list[str]:
    """The command line that starts the process.

    Args:
        lifeline: file descriptor of a pipe that is closed when the fleet's process ends.
        words: the command and its options.
    """
    return [sys.executable, "-c", BOOT, "\n".join(sys.path), str(lifeline), *words]


def main() -> None:
    """Run a command; the first argument is the lifeline."""
    lifeline = int(sys.argv.pop(1))
    sys.argv[0] = "hadeploy"
    os.set_inheritable(lifeline, False)
    threading.Thread(target=_interrupt_at_end_of, args=(lifeline,), daemon=True).start()
    # A fleet in the background may ignore SIGINT, but this process needs it to end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hadeploy(_report)


def _interrupt_at_end_of(lifeline: int) -> None:
    """When the fleet's process ends, end this process as Ctrl-C does, after the current node.

    Its stderr has no reader then, so it is redirected to /dev/null.
    """
    os.read(lifeline, 1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stderr.fileno())
    os.kill(os.getpid(), signal.SIGINT)


def _report(error: HadeployError) -> None:
    errors = error.errors if isinstance(error, NodesError) else [error]
    sys.stderr.write(f"{record(errors)}\n")
    sys.stderr.flush()
