"""The SSH config: followed as `ssh` does, or refused with file and line, or named."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.harness import Cluster
from tests.lab.site import add_key, agent, keygen, sshd


class Site:
    """A cluster whose inventory says nothing of SSH but which config to read."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.config = folder / "ssh config"
        self.key = folder / "key"
        self.known_hosts = folder / "known_hosts"
        ssh = cluster.inventory["ssh"]
        shutil.copy(ssh["identity_file"], self.key)
        shutil.copy(ssh["known_hosts"], self.known_hosts)
        lines = self.known_hosts.read_text().splitlines()
        # Type and key, as in known_hosts.
        self.host_key = {line.partition(",")[0]: line.partition(" ")[2] for line in lines}
        self.address = {node: cluster.lab.address(node) for node in cluster.lab.nodes}
        self.login = f"User root\nIdentityFile {self.key}\n"
        self.trust = f"UserKnownHostsFile {self.known_hosts}\n"
        cluster.inventory["ssh"] = {"config": str(self.config)}

    def write(self, *texts: str) -> None:
        self.config.write_text("".join(f"{text}\n" for text in texts))


@pytest.fixture
def site(served: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return Site(served, tmp_path)


@pytest.fixture
def agent_with_the_key(site: Site, tmp_path: Path) -> Iterator[str]:
    """The socket of an agent that has the key, which is in no file then."""
    with agent(tmp_path) as environment:
        add_key(site.key, environment)
        site.key.unlink()
        yield environment["SSH_AUTH_SOCK"]


def test_match_blocks_includes_tokens_and_quoted_paths(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = site.cluster
    network = site.address["n1"].rpartition(".")[0]
    site.write(f"Match host={network}.*", site.login, site.trust)
    cluster.ok("plan")
    site.write(f"Match host {network}.*", site.login, site.trust, "Host *", "Match final all")
    found = cluster.ok("check", "--json").document["checks"]
    (message,) = [c["message"] for c in found if (c["node"], c["id"]) == ("n1", "ssh-login")]
    assert message.endswith(f"(ssh config: Host *, Match host {network}.*, Match final all)")
    # All else: an included file, variables and tokens in paths with spaces, several known_hosts.
    folder = tmp_path / "a folder"
    folder.mkdir()
    shutil.move(site.key, folder / "root at 22")
    lines = site.known_hosts.read_text().splitlines(keepends=True)
    (folder / "known hosts").write_text(lines[0])
    site.known_hosts.write_text("".join(lines[1:]))
    included = tmp_path / "included"
    included.write_text(
        'Match exec "test %n = %h"\nUser root\n'
        f'IdentityFile "${{KEY_FOLDER}}/%r at %p"\n'
        f'UserKnownHostsFile "{folder}/known hosts" {site.known_hosts}\n'
    )
    monkeypatch.setenv("KEY_FOLDER", str(folder))
    site.write(f"Include {included}")
    cluster.ok("plan")


def test_an_agent_of_its_own_and_a_certificate_beside_it(
    site: Site, agent_with_the_key: str, tmp_path: Path
) -> None:
    site.write(f"IdentityAgent {agent_with_the_key}", "User root", site.trust)
    site.cluster.ok("plan")
    site.write(f"IdentityAgent {agent_with_the_key}", "User root", site.trust, "IdentitiesOnly yes")
    assert "login refused (there is no key to offer)" in site.cluster.run("plan").err
    # A key that no node knows, with a certificate that one node takes.
    authority, own, certificate = (tmp_path / name for name in ("ca", "own", "certificate"))
    for path in (authority, own):
        keygen("-t", "ed25519", "-N", "", "-f", str(path))
    keygen("-s", str(authority), "-I", "me", "-n", "root", f"{own}.pub")
    (tmp_path / "own-cert.pub").rename(certificate)
    public = authority.with_suffix(".pub").read_text()
    site.cluster.lab.exec("n2", ["sh", "-c", "cat >/etc/ssh/ca.pub"], input=public)
    add_key(own, {"SSH_AUTH_SOCK": agent_with_the_key})
    own.unlink()
    site.write(
        f"IdentityAgent {agent_with_the_key}\nUser root\n{site.trust}",
        f"Host {site.address['n2']}\nIdentitiesOnly yes",
        f"IdentityFile {own}.pub\nCertificateFile {certificate}",
    )
    with sshd(site.cluster, "n2", first="TrustedUserCAKeys /etc/ssh/ca.pub"):
        site.cluster.ok("plan")


def test_proxies_jump_hosts_and_aliases(site: Site) -> None:
    cluster, (n1, n2, n3) = site.cluster, site.address.values()
    relay = (
        f"{shutil.which('python3')} -c 'import socket,os,sys; "
        's=socket.create_connection(("%h",%p)); u=socket.socket(fileno=os.dup(1)); '
        'socket.send_fds(u,[b"x"],[s.fileno()])\' 2>/dev/null'
    )
    site.known_hosts.write_text(
        f"one {site.host_key['n1']}\n{n2} {site.host_key['n2']}\nthree {site.host_key['n3']}\n"
    )
    site.write(
        f"Host {n1}\nHostKeyAlias ONE\nProxyUseFdpass yes\nProxyCommand {relay}",
        f"Host {n3} third\nHostKeyAlias three",
        f"Host {n3}\nProxyJump {n2}",
        f"Host {n2}\nProxyJump {n1}",
        f"Host *\n{site.login}{site.trust}",
    )
    cluster.ok("plan")
    way = cluster.ok("check", "--json").document["checks"]
    (message,) = [c["message"] for c in way if (c["node"], c["id"]) == ("n3", "ssh-login")]
    assert f"root@{n3}:22 through root@{n2}:22 through root@{n1}:22 through a Proxy" in message
    # A jump host that is down, one that forwards nothing, and a command that fails.
    nobody = n1.rpartition(".")[0] + ".77"
    cluster.inventory["ssh"]["connect_timeout"] = 4
    site.write(f"Host {n3}\nProxyJump {nobody}", f"Host *\n{site.login}", "HostKeyAlias one")
    assert f"n3: connecting to jump host root@{nobody}:22: No route to host" in (
        cluster.run("plan").err
    )
    site.write("ProxyCommand sh -c 'echo no way out >&2; exit 7' %h", site.login, site.trust)
    result = cluster.run("plan")
    assert result.code == 3
    reported = (
        "the ProxyCommand failed (exit status 7: no way out): sh -c 'echo no way out >&2; exit 7'"
    )
    assert f"n1: connecting to root@{n1}:22: {reported} {n1}" in result.err


def test_a_config_that_cannot_be_is_refused_with_file_and_line(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write("Host *", "Port abc")
    for command in ("up", "check", "status", "support"):
        result = site.cluster.run(command)
        assert result.code == 2, (command, result.err)
        assert f"{site.config} line 2: Bad port 'abc'" in result.err
        assert "internal error" not in result.err
    # In the user's own file, and where there is no ssh to ask.
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    shutil.copy(site.config, home / ".ssh" / "config")
    del site.cluster.inventory["ssh"]["config"]
    monkeypatch.setenv("HOME", str(home))
    assert f"{home}/.ssh/config line 2: Bad port 'abc'" in site.cluster.run("plan").err
    monkeypatch.setenv("PATH", str(home))
    result = site.cluster.run("plan", "--json")
    assert result.document["exit_code"] == 2
    assert f"{home}/.ssh/config line 2: port abc is no number" in result.err


def test_options_that_are_not_followed_are_named_once_and_host_keys_are_checked(
    site: Site,
) -> None:
    site.known_hosts.write_text("")
    site.write(site.login, site.trust, "StrictHostKeyChecking no", "GSSAPIAuthentication yes")
    result = site.cluster.run("plan", "--json")
    assert {e["node"] for e in result.document["errors"]} == {"n1", "n2", "n3"}
    assert result.err.count("the SSH config sets StrictHostKeyChecking no: host keys are") == 1
    assert result.err.count("GSSAPIAuthentication yes") == 1
    assert "unknown host key" in result.err
    site.write(
        site.login, site.trust, "ForwardAgent yes", "ControlMaster auto", "HashKnownHosts yes"
    )
    assert "warning" not in site.cluster.ok("plan", "--accept-new-host-keys").err
    written = site.known_hosts.read_text().splitlines()
    assert [line.startswith("|1|") for line in written] == [True] * 3
    site.cluster.ok("plan")


def test_known_hosts_as_openssh_reads_them(site: Site, tmp_path: Path) -> None:
    cluster, lines = site.cluster, site.known_hosts.read_text()
    site.write(site.login, site.trust)
    keygen("-t", "ecdsa", "-N", "", "-f", str(tmp_path / "other"))
    other = (tmp_path / "other.pub").read_text()
    # None of these lines is in the way; n3 is known by a pattern.
    site.known_hosts.write_bytes(
        f"@cert-authority *.example.com {other}@revoked * {other}"
        f"{site.address['n1']} ssh-ed25519 damaged\n{site.address['n1']}\n".encode()
        + b"\xff\xfe ssh-rsa \xff\n"
        + "".join(lines.splitlines(keepends=True)[:2]).encode()
        + f"!{site.address['n1']},{site.address['n3'][:-1]}? {site.host_key['n3']}\n".encode()
    )
    cluster.ok("plan")
    revoked = f"@revoked * {site.host_key['n2']}\n"
    site.known_hosts.write_text(lines + revoked)
    for options in ((), ("--accept-new-host-keys",)):
        result = cluster.run("plan", *options)
        assert result.code == 3
        assert f"n2: connecting to root@{site.address['n2']}:22: the host key is REVOKED" in (
            result.err
        )
        assert "n1: " not in result.err
    (tmp_path / "revoked").write_text(revoked.partition(" * ")[2])
    site.known_hosts.write_text(lines)
    site.write(site.login, site.trust, f"RevokedHostKeys {tmp_path}/revoked")
    assert "the host key is REVOKED (ssh-ed25519 SHA256:" in cluster.run("plan").err
    # An authority, which has signed the key of one node.
    site.write(site.login, site.trust)
    network = site.address["n2"].rpartition(".")[0]
    site.known_hosts.write_text(lines.replace(f"n2,{site.address['n2']}", "n2"))
    with site.known_hosts.open("a") as file:
        file.write(f"@cert-authority {network}.* {other}")
    reported = "trusts a certificate authority, but the host shows no certificate"
    assert reported in cluster.run("plan").err
    (tmp_path / "host.pub").write_text(site.host_key["n2"])
    keygen(
        "-s",
        str(tmp_path / "other"),
        "-I",
        "n2",
        "-h",
        "-n",
        site.address["n2"],
        str(tmp_path / "host.pub"),
    )
    cluster.lab.exec(
        "n2",
        ["sh", "-c", "cat >/etc/ssh/host-cert.pub"],
        input=(tmp_path / "host-cert.pub").read_text(),
    )
    with sshd(cluster, "n2", first="HostCertificate /etc/ssh/host-cert.pub"):
        cluster.ok("plan")


def test_a_server_that_gives_up_after_too_many_keys(site: Site, tmp_path: Path) -> None:
    with agent(tmp_path) as environment:
        for number in range(8):
            keygen("-t", "ed25519", "-N", "", "-f", str(tmp_path / f"k{number}"))
            add_key(tmp_path / f"k{number}", environment)
        site.write("User root", site.trust, f"IdentityAgent {environment['SSH_AUTH_SOCK']}")
        result = site.cluster.run("plan")
        assert (
            "the server disconnected after 6 keys: Too many authentication failures" in result.err
        )
        assert "IdentitiesOnly" in result.err
        site.cluster.inventory["ssh"]["identity_file"] = str(site.key)
        site.cluster.ok("plan")


def test_a_variable_that_is_not_set_is_refused_as_ssh_refuses_it(site: Site) -> None:
    for before, line in (
        (site.trust, "IdentityFile ${NOT_SET}/key"),
        (site.login, "UserKnownHostsFile ${NOT_SET}/k"),
    ):
        site.write(before.rstrip(), line)
        result = site.cluster.run("plan")
        assert result.code == 2
        assert f"{site.config} line " in result.err
        assert "uses ${NOT_SET}, which is not set in the environment" in result.err
        assert "no key to offer" not in result.err


def test_a_user_that_is_no_utf8_is_refused_by_the_server(site: Site) -> None:
    text = site.login.encode().replace(b"root", b"r\xfft", 1)
    site.config.write_bytes(text + site.trust.encode())
    result = site.cluster.run("plan")
    assert result.code == 3
    assert "login refused" in result.err
    assert "codec" not in result.err


def test_an_agent_that_does_not_answer_is_not_waited_for_long(site: Site, tmp_path: Path) -> None:
    address = tmp_path / "silent"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(address))
        silent.listen()
        site.cluster.inventory["ssh"]["connect_timeout"] = 2
        site.write("User root", site.trust, f"IdentityAgent {address}")
        begun = time.monotonic()
        result = site.cluster.run("plan")
        assert f"the SSH agent at {address} does not answer" in result.err
        assert time.monotonic() - begun < 20
        site.write(site.login, site.trust, f"IdentityAgent {address}")
        site.cluster.ok("plan")
