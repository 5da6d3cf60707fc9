"""Which container a process is in, from the kernel (cgroups(7), /proc/PID/cgroup)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

ID = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4


def asked(folder: str) -> str:
    """What is said of a process whose folder that is, seen from /proc."""
    script = fragment("engine.sh", main=f"container_of {folder}")
    done = subprocess.run(
        ["sh"], input=script, text=True, timeout=30, check=True, stdout=subprocess.PIPE
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", ID),
        (f"0::/docker/{ID}\n", ID),
        (f"0::/docker/{ID}/init.scope\n", ID),
        (f"0::/machine.slice/pod_{ID}.scope\n", ID),
        (f"12:pids:/docker/{ID}\n11:memory:/docker/{ID}\n0::/\n", ID),
        (f"3:cpu:/\n2:pids:/docker/{ID}\n", ID),
        (f"0::/docker/{OTHER}/docker/{ID}\n", ID),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope\n", ID),
        ("0::/user.slice/user-0.slice/session-1.scope\n", ""),
        (f"0::/docker/{ID[:-1]}\n", ""),
        (f"0::/docker/{ID}0\n", ""),
        ("0::/\n", ""),
        ("", ""),
    ],
)
def test_the_innermost_container_counts(tmp_path: Path, cgroup: str, container: str) -> None:
    (tmp_path / "cgroup").write_text(cgroup)
    assert asked(f"..{tmp_path}") == container


def test_a_process_that_has_ended_is_in_none() -> None:
    assert asked("no-such-process") == ""
