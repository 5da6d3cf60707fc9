"""A lock's process: alive, dead, or none of this machine's business."""

from __future__ import annotations

import subprocess

from hadeploy.rollout.process import identity_of, is_dead, this_process


def test_this_process_is_alive() -> None:
    assert not is_dead(this_process())


def test_a_process_that_ended_is_dead() -> None:
    child = subprocess.Popen(["sleep", "60"])
    identity = identity_of(child.pid)
    assert identity is not None
    assert not is_dead(identity)
    child.kill()
    child.wait()
    assert is_dead(identity)


def test_a_pid_that_was_given_to_another_is_dead() -> None:
    assert is_dead(this_process().rpartition(":")[0] + ":1")


def test_another_machines_process_is_not_ours_to_judge() -> None:
    boot, *others = this_process().split(":")
    assert not is_dead(":".join(["another-boot", *others]))
    assert not is_dead("")
    assert not is_dead("nonsense")
    assert boot
