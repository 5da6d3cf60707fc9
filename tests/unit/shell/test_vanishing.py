"""Our files, as a node's shell tells of them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hadeploy.shell.compose import compose


@pytest.mark.parametrize(
    "stat", ['rm -f "$gone"; command stat "$@"', 'command stat "$@"; rm -f "$gone"']
)
def test_a_file_that_goes_away_while_it_is_looked_at_is_not_there(
    tmp_path: Path, stat: str
) -> None:
    gone, stays = tmp_path / "haproxy" / "haproxy.cfg", tmp_path / "track" / "drain"
    for file in (gone, stays):
        file.parent.mkdir()
        file.write_text("0\n")
    script = compose(
        "observe.sh",
        variables={
            "HD_TOKEN": "t",
            "HD_CLUSTER": "c",
            "HD_ROOT": str(tmp_path),
            "gone": str(gone),
        },
        main=f"stat() {{ {stat}; }}\nobserve_files",
    )
    done = subprocess.run(
        ["sh"], input=script, text=True, timeout=30, check=True, stdout=subprocess.PIPE
    )
    assert not gone.exists()
    kept, told, content = (line for line in done.stdout.splitlines() if line)
    assert kept == "@t kept"
    assert told.split()[:2] == ["@t", "file"]
    assert told.split()[-1] == "track/drain"
    assert content == "MAo="
