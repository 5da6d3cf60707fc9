"""What OpenSSH is asked, and what it says when it refuses a config (OpenSSH 9.2)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.remote.ssh_config import SshConfig, error_text
from hadeploy.remote.ssh_options import Query

TEN_ERRORS = """\
OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026
debug1: Reading configuration data /tmp/c4
/tmp/c4: line 2: Bad configuration option: foo
/tmp/c4: line 3: Bad configuration option: bar
Unsupported Match attribute foo
/tmp/c4 line 4: Bad Match condition
/tmp/c4: terminating, 3 bad configuration options
"""


def test_errors_quote_openssh() -> None:
    assert error_text(TEN_ERRORS) == (
        "/tmp/c4: line 2: Bad configuration option: foo; "
        "/tmp/c4: line 3: Bad configuration option: bar; "
        "Unsupported Match attribute foo; /tmp/c4 line 4: Bad Match condition"
    )
    assert error_text("a\x1b[31m\n") == "a?[31m"


@pytest.mark.skipif(not shutil.which("ssh"), reason="OpenSSH is not installed")
def test_openssh_is_asked(tmp_path: Path) -> None:
    included, file = tmp_path / "in cluded", tmp_path / "config"
    included.write_text("Match originalhost=lb1 user ops\n  HostKeyAlias from-include\n")
    file.write_text(
        f'Include "{included}"\nMatch exec true\n  Port 2222\n'
        "  HostName 198.51.100.7\nMatch final host 198.51.100.7\n  ConnectTimeout 3\n"
    )
    config = SshConfig(file, timeout=10)
    host = config.options(Query("lb1", user="ops"))
    assert (host.where, host.known_as) == ("ops@198.51.100.7:2222", ("from-include",))
    assert host.connect_timeout == 3
    assert config.options(Query("lb1", user="me")).host_key_alias is None
    file.write_text("Port abc\n")
    assert config.options(Query("lb1", user="ops")) is host
    with pytest.raises(HadeployError, match="line 1: Bad port 'abc'") as error:
        config.options(Query("lb2"))
    assert str(file) in error.value.message
    assert error.value.code == ExitCode.USAGE


@pytest.mark.skipif(not shutil.which("ssh"), reason="OpenSSH is not installed")
def test_a_match_exec_that_hangs_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text('Match exec "sleep 60"\n  User me\n')
    with pytest.raises(HadeployError, match="ssh -G did not end"):
        SshConfig(file, timeout=0.3).options(Query("lb1"))


@pytest.mark.skipif(not shutil.which("ssh"), reason="OpenSSH is not installed")
def test_the_config_in_another_home_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host lb1\n  User there\n")
    assert SshConfig(None, timeout=10).options(Query("lb1")).user == "there"
    (tmp_path / ".ssh" / "config").unlink()
    assert SshConfig(None, timeout=10).options(Query("lb1")).entries == ()


@pytest.mark.skipif(not shutil.which("ssh"), reason="OpenSSH is not installed")
@pytest.mark.parametrize(
    ("lines", "questions"),
    [
        ("Port 2222\nHost *\n  User all", 1),
        ("Hostname=%h.example\nhost  = *", 3),
        ("Host a\n  User a", 3),
        ("  MATCH all\n  User a", 3),
        ("CanonicalizeHostname yes", 3),
        ("Host a\n  Include {included}", 3),
        ("Include {included}", 3),
    ],
)
def test_a_config_about_all_hosts_is_asked_for_once(
    lines: str, questions: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, included = tmp_path / "config", tmp_path / "included"
    file.write_text(lines.format(included=included))
    included.write_text("Host b\n  Port 2022\n")
    config, alone = SshConfig(file, timeout=10), SshConfig(file, timeout=10)
    asked: list[list[str]] = []
    run = SshConfig._run

    def count(self: SshConfig, arguments: list[str]) -> tuple[str, str]:
        if self is config:
            asked.append(arguments)
        return run(self, arguments)

    monkeypatch.setattr(SshConfig, "_run", count)
    for host in ("a", "b", "192.0.2.3"):
        found = config.options(Query(host))
        assert found == SshConfig(file, timeout=10).options(Query(host))
        assert found.host == host
    assert len([arguments for arguments in asked if arguments[-1] != "localhost"]) == questions
    # Another user, and a name that ssh writes otherwise, are asked about.
    for query in (Query("b", user="me"), Query("B")):
        assert config.options(query) == alone.options(query)
