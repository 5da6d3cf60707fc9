"""The process of one cluster of a fleet: hadeploy as ever, but for how it ends and tells errors."""

from __future__ import annotations

import os
import signal
import sys
import threading

from hadeploy.cli.main import main as hadeploy
from hadeploy.errors import HadeployError, NodesError
from hadeploy.fleet.messages import record

# Run by `python -c`: it imports what the fleet's own process imports, wherever that is, and nothing
# that happens to lie in the current folder. Interrupted before it has begun, it just ends.
BOOT = (
    "import sys; sys.path[:] = sys.argv.pop(1).split('\\n');"
    " import signal; signal.signal(signal.SIGINT, signal.SIG_DFL);"
    " from hadeploy.cli.fleet_member import main; main()"
)


def command_line(lifeline: int, words: list[str]) -> list[str]:
    """What starts the process.

    Args:
        lifeline: the file descriptor of a pipe that ends when the fleet's process does.
        words: the command and its options.
    """
    return [sys.executable, "-c", BOOT, "\n".join(sys.path), str(lifeline), *words]


def main() -> None:
    """Run a command; in its arguments the lifeline comes first."""
    lifeline = int(sys.argv.pop(1))
    sys.argv[0] = "hadeploy"
    os.set_inheritable(lifeline, False)
    threading.Thread(target=_interrupt_at_end_of, args=(lifeline,), daemon=True).start()
    # Also where the fleet runs in the background with SIGINT ignored: so are we told to end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hadeploy(_tell)


def _interrupt_at_end_of(lifeline: int) -> None:
    """Without the fleet's process nobody sees this one: end as after Ctrl-C, the node in hand last.

    What it then says must not fail because nobody reads it.
    """
    os.read(lifeline, 1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    os.kill(os.getpid(), signal.SIGINT)


def _tell(error: HadeployError) -> None:
    errors = error.errors if isinstance(error, NodesError) else [error]
    sys.stderr.write(f"{record(errors)}\n")
    sys.stderr.flush()
