"""References become secrets, and no error shows one."""

import os
import subprocess
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hadeploy.errors import HadeployError
from hadeploy.inventory.secrets import resolve, vrrp_password


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pw").write_bytes(b"s3cret\n")
    (tmp_path / "two").write_bytes(b"s3cret\n\n")
    (tmp_path / "dos").write_bytes(b"s3cret\r\n")
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "bad").write_bytes(b"s3cret\xff")
    (tmp_path / "huge").write_bytes(b"s3cret" * 20_000)
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    return tmp_path


ENVIRON = {"PW": "s3cret", "EMPTY": "", "PATH": os.environ["PATH"]}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("env:PW", "s3cret"),
        ("file:pw", "s3cret"),
        ("file:two", "s3cret\n"),
        ("file:dos", "s3cret"),
        ("cmd:printf '%s\\n' 's3c ret'", "s3c ret"),
        ("cmd:sh -c 'echo $PW'", "s3cret"),
        ("cmd:cat pw", "s3cret"),
        # No shell: this is an argument.
        ("cmd:echo $PW;id", "$PW;id"),
        # Nothing to read: what waits for input ends.
        ("cmd:sh -c 'cat; echo x'", "x"),
    ],
)
def test_references_are_resolved(folder: Path, reference: str, expected: str) -> None:
    secret = resolve(reference, environ=ENVIRON, folder=folder)
    assert secret.get_secret_value() == expected
    assert expected not in repr(secret) + str(secret)


def test_an_absolute_file_is_taken_as_it_is(folder: Path) -> None:
    secret = resolve(f"file:{folder}/pw", environ={}, folder=Path("/nowhere"))
    assert secret.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("env:NONE", "env:NONE: the variable is not set"),
        ("env:EMPTY", "env:EMPTY: the variable is empty"),
        ("file:none", "file:none: cannot read the file: No such file or directory"),
        ("file:.", "file:.: cannot read the file: Is a directory"),
        ("file:~nobody-of-that-name/x", "file:~nobody-of-that-name/x: cannot read the file"),
        ("file:empty", "file:empty: the secret is empty"),
        ("file:bad", "file:bad: the secret is not UTF-8 text"),
        ("file:huge", "file:huge: the secret is larger than 65536 bytes"),
        (
            "cmd:no-such-program-here",
            "cmd:no-such-program-here: cannot run the command: No such file",
        ),
        (
            "cmd:sh -c 'cat pw; exit 3'",
            "cmd:sh -c 'cat pw; exit 3': the command failed with exit code 3",
        ),
        ("cmd:echo 'x", "cmd:echo 'x: not a command line"),
        ("cmd:true", "cmd:true: the secret is empty"),
        ("s3cret", "a secret is not a reference"),
    ],
)
def test_errors_name_the_reference_and_never_the_value(
    folder: Path, reference: str, said: str
) -> None:
    with pytest.raises(HadeployError) as caught:
        resolve(reference, environ=ENVIRON, folder=folder)
    assert str(caught.value).startswith(said)
    assert "s3cret" not in f"{caught.value}{caught.value.hint}{caught.value.detail}"


def test_a_command_that_hangs_is_reported_without_its_output(folder: Path) -> None:
    def run(words: list[str], **options: Any) -> Any:
        raise subprocess.TimeoutExpired(words, options["timeout"], output=b"s3cret")

    with pytest.raises(HadeployError, match="did not end within 30 s") as caught:
        resolve("cmd:slow thing", environ={}, folder=folder, run=run)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", ["x", "s3cret!#", "12345678", "~{}@,;:"])
def test_vrrp_takes_one_to_eight_plain_characters(value: str) -> None:
    assert vrrp_password(SecretStr(value), "env:X").get_secret_value() == value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is not 1 to 8 bytes long"),
        ("123456789", "is not 1 to 8 bytes long"),
        ("äöüßä", "is not 1 to 8 bytes long"),
        ("ä", "has an invalid character"),
        ("a b", "has an invalid character"),
        ('a"b', "has an invalid character"),
        ("a'b", "has an invalid character"),
        ("a\\b", "has an invalid character"),
        ("a$b", "has an invalid character"),
        ("a\n", "has an invalid character"),
    ],
)
def test_vrrp_refuses_what_keepalived_would_cut_or_misread(value: str, said: str) -> None:
    with pytest.raises(HadeployError) as caught:
        vrrp_password(SecretStr(value), "env:X")
    assert f"from env:X {said}" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_secret_that_others_can_read_is_refused(folder: Path, mode: int) -> None:
    (folder / "pw").chmod(mode)
    with pytest.raises(HadeployError, match="other users have access") as refused:
        resolve("file:pw", environ={}, folder=folder)
    assert refused.value.hint == f"chmod 600 {folder}/pw"
    assert "s3cret" not in str(refused.value)


def test_a_secret_may_come_through_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe", 0o644)
    writer = threading.Thread(target=(folder / "pipe").write_bytes, args=(b"s3cret\n",))
    writer.start()
    assert resolve("file:pipe", environ={}, folder=folder).get_secret_value() == "s3cret"
    writer.join()
