"""A run that is ended from outside ends as one that is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal, sys, time
from hadeploy.ui.signals import handle_signals
handle_signals()
try:
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        signal.raise_signal({again})
        print("given back", flush=True)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_what_is_to_be_done_at_the_end_is_done(number: signal.Signals) -> None:
    program = PROGRAM.format(again=int(number))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
        assert process.stdout.read() == b"given back\n"
    assert process.returncode == 130


def test_what_is_ignored_stays_so() -> None:
    program = (
        "import signal\nfrom hadeploy.ui.signals import handle_signals\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nhandle_signals()\n"
        "signal.raise_signal(signal.SIGHUP)\nprint('on')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "on\n"
