"""Run a command and write its maximum memory to a file.

    python -I -S peak.py FILE COMMAND...

A process starts as a copy of its parent, and the kernel counts that memory too. So this program is
small and has few imports.
"""

import os
import resource
import sys


def main(file: str, *command: str) -> int:
    """Run the command, write the kibibytes to the file, and return the exit code."""
    code = os.spawnvp(os.P_WAIT, command[0], command)
    with open(file, "w") as note:  # noqa: PTH123  pathlib is an import
        note.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
