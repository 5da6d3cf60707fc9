"""Deadlines on nodes use the uptime: the clock may change."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

# The clock is set while the script waits.
SET = "date() {{ command date --date='{}' \"$@\"; }}"
# Where only the order matters, ten times as fast.
FAST = "uptime_seconds() { echo $(($(centiseconds) / 10)); }\nnap() { sleep 0.01; }\n"


def wait(main: str) -> subprocess.CompletedProcess[str]:
    script = fragment("prove_keepalived.sh", "container_control.sh", main=main)
    return subprocess.run(
        ["sh"], input=script, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize("to", ["yesterday", "tomorrow"])
def test_a_deadline_comes_when_the_clock_is_set(to: str) -> None:
    # In a subshell the first poll could not set it for the others.
    polls = f"poll() {{ {SET.format(to)}; false; }}"
    done = wait(
        f"{polls}\nbegun=$(uptime_seconds)\nuntil_true 1 'it is so' poll\n"
        "echo took=$(($(uptime_seconds) - begun))"
    )
    assert "not within the deadline: it is so" in done.stdout
    assert any(f"took={seconds}" in done.stdout for seconds in (1, 2, 3)), done.stdout


def test_waiting_for_keepalived_sends_progress_and_the_awaited_seconds() -> None:
    done = wait(
        f"{FAST}check_age() {{ false; }}\ncheck_reports_runs() {{ :; }}\nin_fault() {{ false; }}\n"
        "print_last_log_lines() { :; }\nprove_keepalived k c0ffee 4 1 7 || :"
    )
    assert "@t heartbeat" in done.stdout
    assert "not within the deadline: keepalived runs its check of haproxy" in done.stdout


def test_a_long_command_continues_after_its_reader_is_gone(tmp_path: Path) -> None:
    done = tmp_path / "done"
    script = fragment(
        "waiting.sh", main=f"{FAST}with_heartbeat sh -c 'sleep 1.5; echo >\"$1\"' sh {done}"
    )
    with Path("/dev/full").open("w") as nobody:
        subprocess.run(["sh"], input=script, stdout=nobody, text=True, timeout=60, check=False)
    assert done.exists()
