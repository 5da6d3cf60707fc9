"""known_hosts files, against what ssh-keygen finds in the same ones."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import paramiko
import pytest

from hadeploy.remote.known_hosts import (
    KnownHosts,
    Trust,
    hashed,
    matches,
    matches_pattern,
    parse,
)

ECDSA, RSA = paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)


def line(names: str, key: paramiko.PKey = ECDSA) -> str:
    return f"{names} {key.get_name()} {key.get_base64()}\n"


def verdict(text: str, key: paramiko.PKey, *names: str) -> Trust:
    names = names or ("h",)
    known = KnownHosts.of(parse(text.encode(), Path("kh"), names), names)
    return known.verdict(key.asbytes()).trust


@pytest.mark.parametrize(
    ("text", "trust"),
    [
        ("", Trust.UNKNOWN),
        (line("h"), Trust.KNOWN),
        (line("other,h"), Trust.KNOWN),
        (line("H"), Trust.KNOWN),
        (line("h", RSA), Trust.CHANGED),
        (line("h", RSA) + line("h"), Trust.KNOWN),
        (line("@cert-authority *"), Trust.UNKNOWN),
        (line("@revoked *"), Trust.REVOKED),
        (line("h") + line("@revoked h"), Trust.REVOKED),
        (line("@revoked *", RSA) + line("h"), Trust.KNOWN),
        (line("@revoked *", RSA), Trust.UNKNOWN),
        (line("@unheard-of h"), Trust.UNKNOWN),
        (line(hashed("h", b"x" * 20)), Trust.KNOWN),
        (line("|1|damaged"), Trust.UNKNOWN),
        ("h ssh-dss AAAAB3NzaC1kc3M=\n", Trust.UNKNOWN),
        ("h ssh-ed25519 AAAA\nh\n\nh ssh-rsa\n" + line("h"), Trust.KNOWN),
        (line("h").replace(" ", "\t").replace("\n", " a comment\r\n"), Trust.KNOWN),
        ("# " + line("h"), Trust.UNKNOWN),
    ],
)
def test_the_entry_of_a_key_in_a_file(text: str, trust: Trust) -> None:
    assert verdict(text, ECDSA) is trust


def test_bytes_that_are_no_text_are_ignored() -> None:
    content = b"\xff\xfe ssh-ed25519 AAAA \xc3\n" + line("h").encode()
    (entry,) = parse(content, Path("kh"), ["h"])
    assert (entry.names, entry.line, entry.place) == ("h", 2, "kh line 2")


def test_another_port_may_be_known_by_the_name_alone() -> None:
    names = ("[h]:2222", "h")
    assert verdict(line("[h]:2222"), ECDSA, *names) is Trust.KNOWN
    assert verdict(line("h"), ECDSA, *names) is Trust.KNOWN
    assert verdict(line("h", RSA), ECDSA, *names) is Trust.UNKNOWN
    assert verdict(line("[h]:2222", RSA), ECDSA, *names) is Trust.CHANGED
    assert verdict(line("@revoked h"), ECDSA, *names) is Trust.REVOKED


def test_the_types_to_ask_for_and_the_authorities() -> None:
    text = line("h", RSA) + line("@cert-authority *.example.com,h") + line("other")
    known = KnownHosts.of(parse(text.encode(), Path("kh"), ["h"]), ["h"])
    assert known.types == {"ssh-rsa"}
    assert [entry.line for entry in known.authorities] == [2]


NAMES = ["lb1.example.com", "lb1", "[lb1]:2222", "198.51.100.11", "[198.51.100.11]:22", "lb"]
PATTERNS = [
    "*",
    "*.example.com",
    "*.example.com,!lb1.*",
    "!lb1,*",
    "lb?",
    "LB1",
    "[lb1]:*",
    "[lb1]:2222",
    "198.51.100.*,lb",
    "l[bc]1",
    "",
    "!*",
]


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")
def test_patterns_are_those_of_openssh(tmp_path: Path) -> None:
    for pattern in filter(None, PATTERNS):
        file = tmp_path / "known_hosts"
        file.write_text(line(pattern))
        for name in NAMES:
            found = subprocess.run(
                ["ssh-keygen", "-F", name, "-f", str(file)], capture_output=True, check=False
            )
            assert matches(pattern, name) is (found.returncode == 0), (pattern, name)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")
def test_hashes_are_those_of_openssh(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(line("lb1") + line("[lb2]:2222"))
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(file)], check=True, capture_output=True)
    text = file.read_text()
    assert "lb1" not in text
    assert verdict(text, ECDSA, "lb1") is Trust.KNOWN
    assert verdict(text, ECDSA, "[lb2]:2222") is Trust.KNOWN
    assert verdict(text, ECDSA, "lb2") is Trust.UNKNOWN


@pytest.mark.parametrize(
    ("pattern", "name", "same"),
    [
        ("*", "", True),
        ("*", "n1.example.com", True),
        ("n?.example.*", "n1.example.com", True),
        ("n?.example.*", "n12.example.com", False),
        ("*.example.com", "example.com", False),
        ("*a*b", "xaxbxab", True),
        ("*a*b", "xaxbxa", False),
        ("[a-z]", "b", False),
        ("n1", "n1\n", False),
    ],
)
def test_a_pattern_with_stars(pattern: str, name: str, same: bool) -> None:
    assert matches_pattern(pattern, name) is same


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert not matches_pattern("*" * 1000 + "x", "198.51.100.11" * 20)
    assert not matches_pattern("*1" * 1000 + "x", "1" * 255)
    assert time.monotonic() - began < 5
