"""Host certificates as ssh-keygen makes them."""

from __future__ import annotations

import base64
import dataclasses
import shutil
import subprocess
import time
from pathlib import Path

import paramiko
import pytest

from hadeploy.remote.host_certificates import HostCertificate
from hadeploy.remote.hostkeys import (
    ChangedHostKeyError,
    HostKeyPolicy,
    NewKeys,
    RevokedHostKeyError,
    UnknownHostKeyError,
    key_algorithms,
    read_known_hosts,
    refuse_revoked,
)
from hadeploy.remote.ssh_options import Query, options_of

pytestmark = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")
HOST = options_of({"hostname": ("lb1.example.com",), "user": ("me",)}, {}, Query("lb1"), {})


@dataclasses.dataclass
class Authority:
    folder: Path
    keys: Path

    def key(self, name: str, kind: str = "ed25519") -> Path:
        file, key = self.folder / name, self.keys / f"{name}-{kind}"
        if not key.exists():
            # A longer key takes long to make, and its length is not what is tested.
            size = ("-b", "2048") if kind == "rsa" else ()
            self._keygen("-t", kind, *size, "-N", "", "-f", str(key))
        if not file.exists():
            for suffix in ("", ".pub"):
                shutil.copy(f"{key}{suffix}", f"{file}{suffix}")
        return file

    def certificate(self, *options: str, kind: str = "ed25519", ca: str = "ca") -> bytes:
        host = self.key(f"host-{kind}", kind)
        arguments = options or ("-h", "-n", "lb1.example.com")
        self._keygen("-s", str(self.key(ca)), "-I", "id", *arguments, f"{host}.pub")
        return base64.b64decode(Path(f"{host}-cert.pub").read_text().split()[1])

    def line(self, names: str, name: str) -> str:
        return f"{names} {' '.join(Path(f'{self.key(name)}.pub').read_text().split()[:2])}\n"

    @staticmethod
    def _keygen(*arguments: str) -> None:
        subprocess.run(["ssh-keygen", "-q", *arguments], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys take long to make: the tests share them."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def authority(tmp_path: Path, keys: Path) -> Authority:
    return Authority(tmp_path, keys)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("-h", "-n", "lb1.example.com"), ""),
        (("-h", "-n", "other,*.example.com"), ""),
        (("-h", "-n", "lb2.example.com"), "it is not for lb1.example.com"),
        (("-h",), "it is not for lb1.example.com"),
        (("-n", "lb1.example.com"), "it is not for a host"),
        (("-h", "-n", "*", "-V", "20200101:20210101"), "it has expired"),
        (("-h", "-n", "*", "-V", "+1d:+2d"), "it is not valid yet"),
        (("-h", "-n", "*", "-O", "critical:x@example.com=y"), "it has critical options"),
    ],
)
def test_what_counts(authority: Authority, options: tuple[str, ...], reason: str) -> None:
    certificate = HostCertificate.parse(authority.certificate(*options))
    assert certificate.invalid("lb1.example.com", time.time()) == reason


@pytest.mark.parametrize("ca", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_every_type(authority: Authority, ca: str, kind: str) -> None:
    authority.key("ca", ca)
    blob = authority.certificate(kind=kind)
    assert HostCertificate.parse(blob).invalid("lb1.example.com", time.time()) == ""


def test_what_was_tampered_with(authority: Authority) -> None:
    blob = authority.certificate()
    for place in range(0, len(blob), 7):
        damaged = bytearray(blob)
        damaged[place] ^= 1
        try:
            certificate = HostCertificate.parse(bytes(damaged))
        except ValueError:
            continue
        assert certificate.invalid("lb1.example.com", time.time())
    for length in range(len(blob)):
        with pytest.raises(ValueError, match=r"truncated|unknown"):
            HostCertificate.parse(blob[:length])
    with pytest.raises(ValueError, match="trailing"):
        HostCertificate.parse(blob + b"x")


def test_sha1_does_not_count(authority: Authority) -> None:
    authority.key("ca", "rsa")
    blob = authority.certificate("-h", "-n", "*", "-t", "ssh-rsa")
    reason = HostCertificate.parse(blob).invalid("lb1.example.com", time.time())
    assert reason == "its signature is not valid"


def shown(blob: bytes) -> paramiko.PKey:
    """The key as paramiko has it when a server has shown a certificate."""
    return paramiko.Ed25519Key(paramiko.Message(blob))


def check(file: Path, key: paramiko.PKey, *, accept: bool = False) -> None:
    known = read_known_hosts([file], HOST.known_as)
    policy = HostKeyPolicy(HOST, known, file if accept else None, NewKeys())
    policy.missing_host_key(paramiko.SSHClient(), "ignored", key)


def test_which_authorities_are_trusted(authority: Authority, tmp_path: Path) -> None:
    known, key = tmp_path / "known_hosts", shown(authority.certificate())
    known.write_text(authority.line("@cert-authority *.example.com", "ca"))
    check(known, key)
    known.write_text(authority.line("lb1.example.com", "other") + known.read_text())
    check(known, key)
    known.write_text(authority.line("@cert-authority *.other.com", "ca"))
    with pytest.raises(UnknownHostKeyError):
        check(known, key)
    known.write_text(authority.line("@cert-authority *", "other"))
    with pytest.raises(UnknownHostKeyError) as unknown:
        check(known, key)
    assert "another authority" in unknown.value.reason
    # A plain key is still known, or changed, as such.
    known.write_text(authority.line("lb1.example.com", "host-ed25519"))
    check(known, key)
    known.write_text(authority.line("lb1.example.com", "other"))
    with pytest.raises(ChangedHostKeyError):
        check(known, key)


def test_an_authority_that_is_revoked(authority: Authority, tmp_path: Path) -> None:
    known, key = tmp_path / "known_hosts", shown(authority.certificate())
    trusted = authority.line("@cert-authority *", "ca")
    known.write_text(trusted + authority.line("@revoked *", "ca"))
    with pytest.raises(UnknownHostKeyError):
        check(known, key)
    known.write_text(trusted + authority.line("@revoked *", "host-ed25519"))
    with pytest.raises(RevokedHostKeyError):
        check(known, key, accept=True)
    public = tmp_path / "ca.pub"
    with pytest.raises(RevokedHostKeyError):
        refuse_revoked([public], "lb1", key)
    krl = tmp_path / "krl"
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), str(public)], check=True)
    with pytest.raises(RevokedHostKeyError):
        refuse_revoked([krl], "lb1", key)


def test_certificates_are_asked_for_where_an_authority_is_trusted(
    authority: Authority, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    ours = ("ssh-ed25519", "rsa-sha2-512", "ssh-ed25519-cert-v01@openssh.com")
    known.write_text(authority.line("@cert-authority *", "ca"))
    assert key_algorithms(read_known_hosts([known], ["h"]), ours) == (ours[2], *ours[:2])
    known.write_text(authority.line("h", "ca"))
    assert key_algorithms(read_known_hosts([known], ["h"]), ours) == ours[:2]
