"""Which files at boot put a VIP on a node, through the shell functions that look for them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.unit.scripts.fragments import fragment


def says(tmp_path: Path, text: str, pattern: str = "vip", vips: str = "10.0.0.9 fd00::9") -> bool:
    file = tmp_path / "file"
    file.write_text(text)
    given = '"$(vip_pattern)"' if pattern == "vip" else f"'{pattern}'"
    script = fragment(
        "autostart.sh",
        HD_VIPS=vips,
        main=f"file_matches {file} {given} && echo yes || echo no",
    )
    done = subprocess.run(
        ["dash"], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout == "yes\n"


@pytest.mark.parametrize(
    "text",
    [
        "address 10.0.0.9\n",
        "address 10.0.0.9/24\n",
        "  addresses: [10.0.0.9/24]\n",
        "      - 10.0.0.9/24\n",
        "address1=10.0.0.9/24,10.0.0.1\n",
        'value: "10.0.0.9"\n',
        "value: 10.0.0.9",
        "Address=fd00::9/128\n",
        "virtual_ipaddress {\n 10.0.0.9 dev eth0\n}\n",
        '["--vip","10.0.0.9"]',
    ],
)
def test_an_address_that_a_node_would_get(tmp_path: Path, text: str) -> None:
    assert says(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "server: https://10.0.0.9:9443\n",
        "https://10.0.0.9/healthz\n",
        "10.0.0.9:9443\n",
        "# address 10.0.0.9\n",
        "address 10.0.0.99\n",
        "address 110.0.0.9\n",
        "address 10x0.0.9\n",
        "address 10.0.0.9.example\n",
        "Address=fd00::9a/128\n",
        "Address=2001:fd00::9/128\n",
        "",
    ],
)
def test_a_vip_that_is_only_used(tmp_path: Path, text: str) -> None:
    assert not says(tmp_path, text)
