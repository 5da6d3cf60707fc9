"""Which private keys are offered."""

from __future__ import annotations

import os
from pathlib import Path

import paramiko
import pytest

from hadeploy.remote.connect_errors import Stop, explained
from hadeploy.remote.login import Login, UnprotectedKeyError, is_unprotected


@pytest.fixture
def key(tmp_path: Path) -> Path:
    file = tmp_path / "a key"
    paramiko.ECDSAKey.generate().write_private_key_file(str(file))
    return file


@pytest.mark.parametrize(
    ("mode", "unprotected"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)]
)
def test_a_private_key_is_its_owners(key: Path, mode: int, unprotected: bool) -> None:
    key.chmod(mode)
    assert is_unprotected(key) is unprotected


def test_a_public_key_is_everybodys_and_anothers_key_is_not_judged(key: Path) -> None:
    public = key.with_name("key.pub")
    public.write_text("ecdsa-sha2-nistp256 AAAA me\n")
    public.chmod(0o644)
    assert not is_unprotected(public)
    assert not is_unprotected(key.with_name("absent"))
    key.chmod(0o644)
    if os.getuid() == 0:
        os.chown(key, 4711, 4711)
        assert not is_unprotected(key), "ssh leaves that to its owner, too"


def test_an_unprotected_key_is_not_offered_and_the_error_names_it(key: Path) -> None:
    key.chmod(0o644)
    login = Login("me", [key], [], {}, None, insist=True, only=True)
    with pytest.raises(UnprotectedKeyError) as refused:
        login.authenticate(paramiko.Transport.__new__(paramiko.Transport))
    reported = explained(refused.value, Stop("n1", "me@h:22"), 10)
    assert reported.stage == "ssh-login"
    assert str(reported) == (
        "n1: connecting to me@h:22: the private key is ignored, because others can read it: "
        f"'{key}'"
    )
    assert reported.hint == f"chmod 600 '{key}'"


def test_of_a_key_that_only_the_agent_has_the_public_part_is_enough(key: Path) -> None:
    held = paramiko.ECDSAKey.generate()
    key.unlink()
    key.with_name("a key.pub").write_text(f"{held.get_name()} {held.get_base64()} me\n")
    login = Login("me", [key], [], {}, None, insist=True, only=True)
    assert list(login._keys([held])) == [held]  # type: ignore[list-item]
    assert login.encrypted == []
