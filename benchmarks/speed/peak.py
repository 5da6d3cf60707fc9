"""Runs a command and notes the most memory that it ever had.

    python -I -S peak.py FILE COMMAND...

A process begins as a copy of whoever starts it, and the kernel counts that. So this is small: it
imports nothing that it does not need.
"""

import os
import resource
import sys


def main(file: str, *command: str) -> int:
    """Run it, and write the kibibytes to the file; its exit code is ours."""
    code = os.spawnvp(os.P_WAIT, command[0], command)
    with open(file, "w") as note:  # noqa: PTH123  pathlib is an import
        note.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
