"""The steps of a change, as a node's shell takes them."""

from __future__ import annotations

import subprocess

import pytest

from tests.unit.scripts.fragments import fragment

# What is not looked at here.
ALONE = "lock_keep() { :; }\nwith_lock_mutex() { :; }\nundo() { emit restored; }"


def said(main: str, shell: str) -> list[str]:
    """What a script says, without its token."""
    files = ("steps.sh", "container_control.sh")
    script = fragment(*files, HD_OTHERWISE="undo", main=f"{ALONE}\n{main}")
    done = subprocess.run(
        [shell], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    return [line.removeprefix("@t ") for line in done.stdout.splitlines() if line[:1] == "@"]


@pytest.mark.parametrize("shell", ["dash", "bash"])
@pytest.mark.parametrize("failing", ["false", "dying"])
def test_every_failed_step_is_restored(shell: str, failing: str) -> None:
    # An expansion error ends the shell itself: POSIX, 2.8.1.
    steps = f'dying() {{ : "${{nothing:?}}"; }}\nstep 0 true\nstep 1 {failing}\nstep 2 true'
    assert said(steps, shell) == ["step 0", "ok 0", "step 1", "failed 1", "restored", "end"]


@pytest.mark.parametrize("reported", ["<nil>", "<no value>", ""])
def test_a_container_without_a_time_to_stop_gets_one(reported: str) -> None:
    engine = f"docker() {{ echo '{reported}'; }}\nstop_within() {{ emit stopping \"$@\"; }}"
    assert said(f"{engine}\nstop c", "dash") == ["stopping 30 c"]
