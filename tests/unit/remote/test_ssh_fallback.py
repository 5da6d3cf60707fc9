"""SSH configs where OpenSSH is not installed: read by paramiko, and every error is the file's."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.remote.ssh_fallback import NO_INCLUDE, ParamikoConfig
from hadeploy.remote.ssh_options import HostOptions, Query


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config"


def read(file: Path, text: str, query: Query) -> HostOptions:
    file.write_text(text)
    return ParamikoConfig((file,)).options(query)


def test_options(file: Path) -> None:
    text = """
        Host lb*
            HostName 198.51.100.7
            User ops
            Port 2222
            IdentityFile ~/key
            UserKnownHostsFile "/known hosts"
            ProxyCommand nc %h %p
    """
    host = read(file, text, Query("lb1"))
    assert host.where == "ops@198.51.100.7:2222"
    assert host.identity_files == (Path("~/key").expanduser(),)
    assert host.known_hosts[0] == Path("/known hosts")
    assert host.proxy_command == "nc 198.51.100.7 2222"
    mine = read(file, text, Query("lb1", user="me", port=22, jump="a"))
    assert (mine.where, mine.jump, mine.proxy_command) == ("me@198.51.100.7:22", "a", None)


def test_the_first_file_wins(file: Path) -> None:
    second = file.with_name("second")
    file.write_text("User first\n")
    second.write_text("User second\nHost h\n  HostName 198.51.100.8\n")
    host = ParamikoConfig((file, second)).options(Query("h"))
    assert host.where == "first@198.51.100.8:22"


def test_an_include_is_reported(file: Path) -> None:
    assert read(file, "Include more\n", Query("h")).not_followed == (NO_INCLUDE,)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Host *\n  User root\nMatch host=198.51.*\n  User me\n", 3),
        ("Host *\nMatch final all\n", 2),
        ("Host *\n  Port abc\n", 2),
        ("Host *\n  Port = 22x\n", 2),
        ("User\n", 1),
        ('User me\nHost "a\n', 2),
        ("CanonicalizeHostname yes\n", 1),
    ],
)
def test_an_unreadable_setting_is_reported_with_its_line(
    file: Path, text: str, number: int
) -> None:
    with pytest.raises(HadeployError) as error:
        read(file, text, Query("h"))
    assert error.value.message.startswith(f"{file} line {number}: ")
    assert error.value.code == ExitCode.USAGE
