"""Output that cannot be written changes nothing but the exit code; by real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from rich.console import Console

from hadeploy.rollout.interrupt import deferred
from hadeploy.ui.progress import Lines
from hadeploy.ui.streams import Output, plain

PROGRAM = """
import sys
from hadeploy.ui.streams import output_failure, protect_streams
protect_streams()
opened = open(sys.argv[1], "w")
print("result \\u2713 \\u2026 \\u00e4 \\udc80")
print("progress", file=sys.stderr)
lost = output_failure()
opened.write(f"{opened.fileno()} {lost}")
"""


def run(redirections: str, file: Path, **environment: str) -> tuple[str, str]:
    """What it says on stdout, and what it wrote to a file that it opened."""
    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" "$2" {redirections}', sys.executable, PROGRAM, str(file)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, file.read_text().partition(" ")[2]


@pytest.mark.parametrize(
    ("redirections", "lost"),
    [
        ("", "None"),
        (">&-", "cannot write to stdout: Bad file descriptor"),
        ("2>&-", "None"),
        ("<&- >&- 2>&-", "cannot write to stdout: Bad file descriptor"),
        (">/dev/full", "cannot write to stdout: No space left on device"),
        ("2>/dev/full", "cannot write to stderr: No space left on device"),
    ],
)
def test_output_that_cannot_be_written(redirections: str, lost: str, tmp_path: Path) -> None:
    assert run(redirections, tmp_path / "file")[1] == lost
    # A file that is opened later does not get the number of a closed stream.
    assert int((tmp_path / "file").read_text().split()[0]) > 2


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "+ ~ ? ?"), ("latin-1", "+ ~ \u00e4 ?"), ("utf-8", "✓ … ä ?")]
)
def test_an_encoding_that_lacks_a_character(encoding: str, shown: str, tmp_path: Path) -> None:
    file = tmp_path / "out"
    run(f">{file}", tmp_path / "file", PYTHONIOENCODING=encoding)
    assert file.read_bytes().decode(encoding) == f"result {shown}\n"


def test_a_reader_that_ends_stops_what_changes_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output(writer)
    with pytest.raises(BrokenPipeError):
        output.write(b"result")
    assert output.write(b"more") == len(b"more")
    os.close(writer)


def test_a_reader_that_ends_asks_a_change_to_stop_after_the_present_node() -> None:
    pipes = [os.pipe(), os.pipe()]
    with deferred(Lines(Console(quiet=True))) as interrupt:
        for reader, writer in pipes:
            os.close(reader)
            Output(writer).write(b"progress")
            assert interrupt.asked
            os.close(writer)


def test_a_change_does_not_wait_for_a_terminal_that_is_paused() -> None:
    ours, theirs = os.openpty()
    output = Output(theirs)
    termios.tcflow(theirs, termios.TCOOFF)
    with deferred(Lines(Console(quiet=True))):
        for number in range(2000):
            assert output.write(b"progress %d\n" % number) > 0
    termios.tcflow(theirs, termios.TCOON)
    shown = b""
    end = threading.Thread(target=output.flush)
    end.start()
    while not shown.endswith(b"progress 1999\r\n"):
        shown += os.read(ours, 4096)
    end.join()
    assert shown.split() == b" ".join(b"progress %d" % i for i in range(2000)).split()
    os.close(ours)
    os.close(theirs)


def test_other_errors_than_those_of_an_encoder_are_raised() -> None:
    with pytest.raises(UnicodeDecodeError):
        plain(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"))


def test_a_signal_handler_may_print_in_the_middle_of_a_print(tmp_path: Path) -> None:
    program = """
import signal, sys, threading
from hadeploy.ui.streams import protect_streams
protect_streams()
signal.signal(signal.SIGUSR1, lambda *_: print("handler", file=sys.stderr, flush=True))
end = threading.Event()
def pester():
    while not end.is_set():
        signal.raise_signal(signal.SIGUSR1)
threading.Thread(target=pester).start()
try:
    for _ in range(2000):
        print("x" * 5000, file=sys.stderr, flush=True)
finally:
    end.set()
"""
    with (tmp_path / "out").open("w") as out:
        subprocess.run([sys.executable, "-c", program], check=True, stderr=out)
    lines = (tmp_path / "out").read_text().splitlines()
    assert sum(line == "x" * 5000 for line in lines) > 1900
