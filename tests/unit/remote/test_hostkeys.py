"""Which host keys are accepted, written down, and asked for."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import paramiko
import pytest

from hadeploy.remote.hostkeys import (
    ChangedHostKeyError,
    HostKeyPolicy,
    NewKeys,
    RevokedHostKeyError,
    UncheckedRevocationError,
    UnknownHostKeyError,
    UnwrittenHostKeyError,
    WeakHostKeyError,
    key_algorithms,
    read_known_hosts,
    refuse_revoked,
)
from hadeploy.remote.known_hosts import KnownHosts
from hadeploy.remote.ssh_options import HostOptions, Query, options_of

ECDSA, RSA = paramiko.ECDSAKey.generate(), paramiko.RSAKey.generate(2048)
OPTIONS = options_of({"hostname": ("h",), "user": ("me",)}, {}, Query("h"), {})


def check(
    key: paramiko.PKey,
    file: Path,
    options: HostOptions = OPTIONS,
    *,
    accept: bool = False,
    hashed: bool = False,
) -> None:
    known = read_known_hosts([file, file.with_name("not there")], options.known_as)
    write_to = file if accept else None
    policy = HostKeyPolicy(options, known, write_to, NewKeys(), hash_names=hashed)
    policy.missing_host_key(paramiko.SSHClient(), "ignored", key)


def write(file: Path, *lines: str) -> Path:
    file.write_text("".join(f"{one}\n" for one in lines))
    return file


def entry(names: str, key: paramiko.PKey) -> str:
    return f"{names} {key.get_name()} {key.get_base64()}"


def test_a_new_key_is_refused_unless_it_is_accepted_and_then_known(tmp_path: Path) -> None:
    file = tmp_path / "new" / "known_hosts"
    with pytest.raises(UnknownHostKeyError):
        check(ECDSA, file)
    check(ECDSA, file, accept=True)
    check(ECDSA, file)
    assert file.read_text() == f"{entry('h', ECDSA)}\n"


@pytest.mark.parametrize("hashed", [False, True])
def test_a_run_accepts_one_key_of_a_host_also_where_no_file_keeps_it(hashed: bool) -> None:
    nowhere, new = Path("/dev/null"), NewKeys()
    for host, key in (("h", ECDSA), ("other", RSA), ("h", ECDSA)):
        options = dataclasses.replace(OPTIONS, hostname=host)
        policy = HostKeyPolicy(options, KnownHosts(()), nowhere, new, hash_names=hashed)
        policy.missing_host_key(paramiko.SSHClient(), "ignored", key)
    policy = HostKeyPolicy(OPTIONS, KnownHosts(()), nowhere, new)
    with pytest.raises(ChangedHostKeyError, match="key of h is not accepted") as changed:
        policy.missing_host_key(paramiko.SSHClient(), "ignored", RSA)
    assert changed.value.place == "an earlier connection of this run"


def test_a_changed_or_revoked_key_is_never_accepted(tmp_path: Path) -> None:
    file = write(tmp_path / "known_hosts", entry("h", RSA))
    with pytest.raises(ChangedHostKeyError) as changed:
        check(ECDSA, file, accept=True)
    assert changed.value.place == f"{file} line 1"
    write(file, entry("h", ECDSA), entry("@revoked *", ECDSA))
    with pytest.raises(RevokedHostKeyError) as revoked:
        check(ECDSA, file, accept=True)
    assert revoked.value.place == f"{file} line 2"


def test_a_host_that_only_an_authority_vouches_for(tmp_path: Path) -> None:
    file = write(tmp_path / "known_hosts", entry("@cert-authority *", RSA))
    with pytest.raises(UnknownHostKeyError) as unknown:
        check(ECDSA, file)
    assert unknown.value.place == f"{file} line 1"


def test_an_alias_is_what_counts(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    options = dataclasses.replace(OPTIONS, host_key_alias="Alias", port=2222)
    check(ECDSA, file, options, accept=True)
    assert file.read_text().startswith("alias ecdsa")


def test_a_name_can_be_written_hashed(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    check(ECDSA, file, accept=True, hashed=True)
    assert file.read_text().startswith("|1|")
    check(ECDSA, file)


def test_a_key_is_written_once_and_not_over_another(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    early = HostKeyPolicy(OPTIONS, KnownHosts(()), file, NewKeys())
    for _ in range(2):
        early.missing_host_key(paramiko.SSHClient(), "ignored", ECDSA)
    assert file.read_text() == f"{entry('h', ECDSA)}\n"
    with pytest.raises(ChangedHostKeyError):
        early.missing_host_key(paramiko.SSHClient(), "ignored", RSA)
    folder = HostKeyPolicy(OPTIONS, KnownHosts(()), tmp_path, NewKeys())
    with pytest.raises(UnwrittenHostKeyError) as unwritten:
        folder.missing_host_key(paramiko.SSHClient(), "ignored", RSA)
    assert unwritten.value.reason == "Is a directory"


def test_a_key_is_written_on_a_line_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("first ssh-ed25519 AAAA")
    check(ECDSA, file, accept=True)
    assert [line.split()[0] for line in file.read_text().splitlines()] == ["first", "h"]


def test_a_key_that_is_too_short(tmp_path: Path) -> None:
    file = write(tmp_path / "known_hosts", entry("h", RSA))
    check(RSA, file)
    with pytest.raises(WeakHostKeyError):
        check(RSA, file, dataclasses.replace(OPTIONS, minimum_rsa_bits=3072))


def test_revoked_keys_in_a_list(tmp_path: Path) -> None:
    file = write(tmp_path / "revoked", "# lost", entry("", ECDSA).strip())
    refuse_revoked([file], "h", RSA)
    with pytest.raises(RevokedHostKeyError) as revoked:
        refuse_revoked([file], "h", ECDSA)
    assert revoked.value.place == f"{file} line 2"
    with pytest.raises(UncheckedRevocationError):
        refuse_revoked([tmp_path / "not there"], "h", RSA)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="OpenSSH is not installed")
def test_revoked_keys_in_a_krl(tmp_path: Path) -> None:
    public = write(tmp_path / "key.pub", entry("", ECDSA).strip())
    krl = tmp_path / "krl"
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(krl), str(public)], check=True)
    refuse_revoked([krl], "h", RSA)
    with pytest.raises(RevokedHostKeyError):
        refuse_revoked([krl], "h", ECDSA)
    krl.write_bytes(krl.read_bytes()[:30])
    with pytest.raises(UncheckedRevocationError):
        refuse_revoked([krl], "h", RSA)


def test_the_types_of_known_keys_are_asked_for_first(tmp_path: Path) -> None:
    ours = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")
    file = write(tmp_path / "known_hosts", entry("h", RSA))
    known = read_known_hosts([file], ["h"])
    assert key_algorithms(known, ours) == (*ours[2:], *ours[:2])
    assert key_algorithms(read_known_hosts([file], ["other"]), ours) == ours
