"""How a look asks through the VIPs: beside everything else, and again where nothing was said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment

TOLD = "ask_vips | { exec 4<&0 </dev/null; report_answers; }"


def reported(folder: Path, main: str, *, shell: str = "dash", served: str = "") -> list[str]:
    """The messages of a look at a node on which something was applied."""
    (folder / "applied.json").touch()
    (folder / "served").write_text(served)
    script = fragment(
        "clients.sh",
        HD_ROOT=str(folder),
        HD_PORTS="9443 9444",
        HD_LISTENERS="api other",
        main=f"hd_askable='192.0.2.1 2001:db8::1'\n{main}",
    )
    done = subprocess.run(
        [shell], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stderr == ""
    return sorted(line for line in done.stdout.splitlines() if line)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_every_listener_is_asked_on_every_vip(tmp_path: Path, shell: str) -> None:
    stub = "answer_of() { case $2 in 9443) echo tls ;; *) echo http/503 ;; esac; }"
    assert reported(tmp_path, f"{stub}\n{TOLD}", shell=shell) == [
        "@t vip-answer 192.0.2.1 9443 tls",
        "@t vip-answer 192.0.2.1 9444 http/503",
        "@t vip-answer 2001:db8::1 9443 tls",
        "@t vip-answer 2001:db8::1 9444 http/503",
    ]


def test_a_server_that_has_just_died_does_not_count_for_all(tmp_path: Path) -> None:
    stub = "answer_of() { echo silent; }\nanswers_of() { printf '%s\\n' silent tls; }"
    lines = reported(tmp_path, f"{stub}\n{TOLD}", served="api tls\nother silent\n")
    # One that never said anything is not asked again.
    answers = [" ".join(line.split()[4:]) for line in lines]
    assert answers == ["tls", "silent"] * 2


def test_a_server_that_closes_every_connection_is_reported_beside_the_others(
    tmp_path: Path,
) -> None:
    stub = "answer_of() { echo closed; }\nanswers_of() { printf '%s\\n' closed http; }"
    lines = reported(tmp_path, f"{stub}\n{TOLD}")
    assert {" ".join(line.split()[4:]) for line in lines} == {"http closed"}


def test_servers_that_are_all_silent_are_reported(tmp_path: Path) -> None:
    stub = "answer_of() { echo silent; }\nanswers_of() { echo silent; }"
    lines = reported(tmp_path, f"{stub}\n{TOLD}")
    assert {line.rpartition(" ")[2] for line in lines} == {"silent"}


def test_before_anything_is_applied_nothing_is_asked(tmp_path: Path) -> None:
    stub = f"rm {tmp_path}/applied.json\nanswer_of() {{ echo tls; }}"
    assert reported(tmp_path, f"{stub}\n{TOLD}") == []
