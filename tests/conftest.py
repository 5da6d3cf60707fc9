"""How the tests' own processes begin."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# Each run tries the same examples; with HADEPLOY_FUZZ=1 new ones. Else a change is blamed for what
# it did not do.
settings.register_profile("same", derandomize=True)
settings.load_profile("default" if os.environ.get("HADEPLOY_FUZZ") else "same")


def pytest_configure() -> None:
    """Let Ctrl-C reach whatever the tests start.

    A shell without job control has what it starts in the background ignore SIGINT (POSIX, 2.11),
    and what is ignored stays so in every child.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # So does nohup with SIGHUP.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
