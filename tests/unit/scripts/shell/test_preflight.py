"""What preflight.sh reads of this machine."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.unit.scripts.fragments import fragment


def said(main: str) -> list[str]:
    script = fragment("preflight.sh", main=main)
    run = subprocess.run(["sh", "-s"], input=script, capture_output=True, text=True, check=True)
    return [line for line in run.stdout.splitlines() if line.startswith("@t fact")]


def test_a_kernel_setting_is_read_whole() -> None:
    name = "net/ipv4/ip_local_port_range"
    value = Path("/proc/sys", name).read_text().strip()
    assert len(value) > 1
    assert said(f"setting {name}") == [f"@t fact {name} {value}"]


def test_a_setting_that_the_kernel_lacks_is_no_fact() -> None:
    assert said("setting net/ipv4/no_such_setting") == []
