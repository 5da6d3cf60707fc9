"""What `ssh -G` prints (OpenSSH 9.2), as options."""

from __future__ import annotations

import socket
from pathlib import Path

import paramiko
import pytest

from hadeploy.remote.retry import PermanentError
from hadeploy.remote.ssh_options import (
    HostOptions,
    Query,
    options_of,
    parse_dump,
    used_entries,
)
from hadeploy.remote.ssh_variables import UnsetVariableError, unset_variable

# `ssh -G -F none localhost`, shortened.
DEFAULTS = """\
host localhost
user me
hostname localhost
port 22
gssapiauthentication no
hashknownhosts no
identitiesonly no
proxyusefdpass no
stricthostkeychecking ask
ciphers chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr
identityfile ~/.ssh/id_rsa
identityfile ~/.ssh/id_ed25519
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile /home/me/.ssh/known_hosts /home/me/.ssh/known_hosts2
connecttimeout none
"""

# `ssh -G -vv -F config alias`, shortened the same way.
ALIAS = """\
host alias
user matched
hostname 198.51.100.7
port 2200
gssapiauthentication no
hashknownhosts yes
identitiesonly no
proxyusefdpass no
stricthostkeychecking false
ciphers aes256-gcm@openssh.com
hostkeyalias some.host
identityagent $MY_AGENT
revokedhostkeys /tmp/re_voked
identityfile ~/keys/%r@%h
identityfile ~/a b/key
certificatefile ~/c d-cert.pub
globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2
userknownhostsfile /tmp/known hosts /root/.ssh/more
connecttimeout 7
proxycommand nc -X %r %h %p ${X}
"""
ALIAS_DEBUG = """\
OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026
debug1: Reading configuration data /home/me/.ssh/config
debug1: Reading configuration data /home/me/.ssh/more
debug1: /home/me/.ssh/config line 2: Applying options for alias
debug2: checking match for 'host 198.51.100.*' host 198.51.100.7 originally alias
debug2: match found
debug2: checking match for 'user nobody' host 198.51.100.7 originally alias
debug2: match not found
debug1: /home/me/.ssh/config line 9: Applying options for *
debug1: Reading configuration data /etc/ssh/ssh_config
debug1: /etc/ssh/ssh_config line 19: include /etc/ssh/ssh_config.d/*.conf matched no files
debug1: /etc/ssh/ssh_config line 21: Applying options for *
"""
HOME = Path("~").expanduser()


def options(text: str, *, query: Query | None = None, **environment: str) -> HostOptions:
    dump, defaults = parse_dump(text), parse_dump(DEFAULTS)
    return options_of(dump, defaults, query or Query("alias"), environment)


def changed(*lines: str) -> HostOptions:
    """The defaults, and these lines instead of those with their keyword."""
    keywords = {line.split()[0] for line in lines}
    kept = [line for line in DEFAULTS.splitlines() if line.split()[0] not in keywords]
    return options("\n".join([*kept, *lines]), SSH_AUTH_SOCK="/run/agent")


def test_nothing_is_reported() -> None:
    host = options(DEFAULTS, query=Query("localhost"), SSH_AUTH_SOCK="/run/agent")
    assert (host.where, host.known_as) == ("me@localhost:22", ("localhost",))
    assert host.identity_files is None
    assert host.agent == "/run/agent"
    assert host.known_hosts[0] == HOME / ".ssh/known_hosts"
    assert Path("/etc/ssh/ssh_known_hosts") in host.known_hosts
    assert host.may_write
    assert (host.jump, host.proxy_command, host.not_followed) == (None, None, ())


def test_every_part_is_shown() -> None:
    host = options(ALIAS, MY_AGENT="/run/mine")
    assert host.where == "matched@198.51.100.7:2200"
    assert host.known_as == ("some.host",)
    assert host.identity_files == (HOME / "keys/matched@198.51.100.7", HOME / "a b/key")
    assert host.certificates == (HOME / "c d-cert.pub",)
    assert host.agent == "/run/mine"
    assert host.known_hosts[:2] == (Path("/tmp/known hosts"), Path("/root/.ssh/more"))
    assert host.revoked == (Path("/tmp/re_voked"),)
    assert host.proxy_command == "nc -X matched 198.51.100.7 2200 ${X}"
    assert host.hash_new_keys
    assert host.connect_timeout == 7
    ciphers = dict(host.disabled)["ciphers"]
    assert "aes256-ctr" in ciphers
    assert "aes256-gcm@openssh.com" not in ciphers
    (warning,) = host.not_followed
    assert warning.startswith("StrictHostKeyChecking no: host keys are always checked")


@pytest.mark.parametrize(
    "line",
    [
        "IdentityFile ~/${UNSET}/key",
        "CertificateFile ${UNSET}/c",
        "IdentityAgent ${UNSET}",
        "UserKnownHostsFile ${SET} ${UNSET}",
        "RevokedHostKeys ${UNSET}/k",
    ],
)
def test_a_variable_that_is_not_set_is_named_with_its_line(line: str, tmp_path: Path) -> None:
    keyword, _, value = line.partition(" ")
    with pytest.raises(UnsetVariableError) as raised:
        options(f"{ALIAS}{keyword.lower()} {value}\n", SET="x")
    file = tmp_path / "config"
    file.write_text(f"# {line}\nHost alias\n    {line}\n")
    assert raised.value.explained([str(file), "/nowhere"]).message == (
        f"{file} line 3: {keyword} uses ${{UNSET}}, which is not set in the environment"
    )
    if "UserKnown" not in line:
        options(f"{ALIAS}{keyword.lower()} {value}\n", UNSET="x")


def test_a_host_name_that_cannot_be_looked_up_is_refused() -> None:
    with pytest.raises(PermanentError) as raised:
        changed("hostname \udcffhost")
    assert raised.value.message == r"HostName \udcffhost is not UTF-8"


def test_a_variable_is_expanded_as_ssh_does() -> None:
    # OpenSSH 9.2, `ssh -G -vv`.
    said = (
        "debug1: Reading configuration data /home/me/.ssh/config\r\n"
        "vdollar_percent_expand: env var ${NOWHERE} has no value\r\n"
        "invalid environment variable expansion\r\n"
    )
    unset = unset_variable(said)
    assert unset is not None
    expected = "an option uses ${NOWHERE}, which is not set in the environment"
    assert unset.explained([]).message == expected
    assert unset_variable("debug1: other") is None


def test_the_blocks_that_were_used() -> None:
    assert used_entries(ALIAS_DEBUG) == ("Host alias", "Match host 198.51.100.*", "Host *")
    system = ALIAS_DEBUG.replace("/home/me", "/etc")
    assert used_entries(system) == ()
    assert used_entries(system, system=True) == used_entries(ALIAS_DEBUG)


def test_the_inventory_wins() -> None:
    host = options(ALIAS, query=Query("alias", jump="a,b:22"))
    assert (host.jump, host.proxy_command) == ("a,b:22", None)
    assert options(ALIAS, query=Query("alias", jump="none")).jump is None


@pytest.mark.parametrize(
    ("value", "agent"),
    [("none", None), ("SSH_AUTH_SOCK", "/run/agent"), ("$UNSET", None), ("/a b/s", "/a b/s")],
)
def test_identity_agent(value: str, agent: str | None) -> None:
    assert changed(f"identityagent {value}").agent == agent


def test_tokens_in_a_jump_host() -> None:
    assert changed("proxyjump %r@jump-%n:22").jump == "me@jump-alias:22"


def test_algorithms_for_certificates_and_under_other_names() -> None:
    host = changed(
        "hostkeyalgorithms ssh-ed25519-cert-v01@openssh.com", "kexalgorithms curve25519-sha256"
    )
    disabled = dict(host.disabled)
    assert "ssh-ed25519" not in disabled["keys"]
    assert "rsa-sha2-512" in disabled["keys"]
    assert "curve25519-sha256@libssh.org" not in disabled["kex"]
    assert host.not_followed == ()


def test_no_identity_file() -> None:
    assert changed("identityfile none").identity_files == ()


@pytest.mark.parametrize("none", ["none", "None", "NONE"])
def test_no_known_hosts_file_of_the_users(none: str) -> None:
    host = changed(f"userknownhostsfile {none}")
    assert not host.may_write
    assert host.known_hosts[0] == Path("/etc/ssh/ssh_known_hosts")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("stricthostkeychecking accept-new", "StrictHostKeyChecking accept-new"),
        ("gssapiauthentication yes", "GSSAPIAuthentication yes"),
        ("pubkeyauthentication false", "PubkeyAuthentication no"),
        ("preferredauthentications password", "PreferredAuthentications password"),
        ("knownhostscommand /bin/x %H", "KnownHostsCommand /bin/x %H"),
        ("bindaddress 198.51.100.1", "BindAddress 198.51.100.1"),
        ("pkcs11provider /x.so", "PKCS11Provider /x.so"),
        ("ciphers chacha20-poly1305@openssh.com", "Ciphers"),
    ],
)
def test_what_is_not_followed_is_named(line: str, name: str) -> None:
    (warning,) = changed(line).not_followed
    assert warning.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "line",
    [
        "stricthostkeychecking true",
        "preferredauthentications publickey,password",
        "forwardagent yes",
        "controlmaster auto",
        "sendenv LANG",
        "serveraliveinterval 30",
        "remotecommand tmux attach",
    ],
)
def test_what_makes_no_difference_is_not(line: str) -> None:
    assert changed(line).not_followed == ()


WEAK = ("aes128-cbc", "3des-cbc", "hmac-md5", "hmac-sha1")


def offered(host: HostOptions) -> set[str]:
    """What paramiko proposes to a server."""
    with socket.socketpair()[0] as end:
        transport = paramiko.Transport(
            end, disabled_algorithms={kind: list(names) for kind, names in host.disabled}
        )
        return {
            *(*transport.preferred_ciphers, *transport.preferred_macs),
            *(*transport.preferred_kex, *transport.preferred_keys, *transport.preferred_pubkeys),
        }


def test_what_ssh_refuses_as_too_weak_is_not_offered() -> None:
    assert not offered(changed("compression yes")) & set(WEAK)
    weak_ones = {name for name in offered(changed("compression yes")) if "cbc" in name}
    assert weak_ones == set()
    assert {"aes128-ctr", "hmac-sha2-256"} <= offered(changed("compression yes"))


def test_a_weak_algorithm_that_the_config_names_is_offered() -> None:
    host = changed("ciphers aes128-ctr,aes128-cbc")
    assert {name for name in offered(host) if name.startswith("aes")} == {
        "aes128-ctr",
        "aes128-cbc",
    }
    assert "hmac-md5" not in offered(host)
