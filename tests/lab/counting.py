"""hadeploy with its SSH counted.

    python -m tests.lab.counting FILE COMMAND...

FILE is given, by the address of each node, how many connections were opened to it, how many
channels on them, and how many commands on those.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paramiko

from hadeploy.cli.main import main


def count(counts: dict[str, Counter[str]]) -> None:
    """Count from here on, below all code of hadeploy.

    Args:
        counts: by address; what it is given is counted there.
    """

    def counted(what: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(self: Any, *arguments: Any, **named: Any) -> Any:
            transport = self if isinstance(self, paramiko.Transport) else self.get_transport()
            counts.setdefault(transport.getpeername()[0], Counter())[what] += 1
            return method(self, *arguments, **named)

        return called

    for kind, name, what in (
        (paramiko.Transport, "start_client", "connections"),
        (paramiko.Transport, "open_session", "channels"),
        (paramiko.Channel, "exec_command", "commands"),
    ):
        setattr(kind, name, counted(what, getattr(kind, name)))


if __name__ == "__main__":
    found: dict[str, Counter[str]] = {}
    count(found)
    file = Path(sys.argv[1])
    sys.argv = ["hadeploy", *sys.argv[2:]]
    try:
        main()
    finally:
        file.write_text(json.dumps(found))
