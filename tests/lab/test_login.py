"""Logging in: agents, encrypted keys, certificates, ports and users, and what needs a person."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.lab.harness import Cluster, finish
from tests.lab.site import add_key, agent, converse, keygen, person, sshd


@pytest.fixture
def key(served: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the lab's key, and nothing else to log in with."""
    copied = tmp_path / "key"
    shutil.copy(served.inventory["ssh"].pop("identity_file"), copied)
    copied.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return copied


def test_without_any_key_there_is_a_hint(served: Cluster, key: Path) -> None:
    result = served.run("plan")
    assert result.code == 3
    assert "login refused (there is no key to offer)" in result.err
    assert "ssh-add" in result.err


def test_a_key_that_others_can_read_is_not_used(served: Cluster, key: Path) -> None:
    served.inventory["ssh"]["identity_file"] = str(key)
    key.chmod(0o640)
    result = served.run("plan")
    assert result.code == 3
    assert f"the private key is ignored, because others can read it: {key}" in result.err
    assert f"next: chmod 600 {key}" in result.err
    key.chmod(0o600)
    served.ok("plan")


def test_a_user_of_this_machine_without_a_name(served: Cluster, key: Path, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    shutil.copy(served.inventory["ssh"]["known_hosts"], known)
    served.inventory["ssh"] |= {"identity_file": str(key), "known_hosts": str(known)}
    nobody = 54321
    for file in (key, known):
        os.chown(file, nobody, nobody)
    command = served.command(("status",))
    # It may read what only root can here: this checkout, and Python.
    rights = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    uid = [f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups"]
    for home in ([], ["HOME=/nonexistent"]):
        path = f"PATH={os.environ['PATH']}"
        result = finish("setpriv", *uid, *rights, "env", "-i", path, *home, *command)
        assert result.code == 0, result.err


def test_a_key_that_only_the_agent_has(
    served: Cluster, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agent(tmp_path) as environment:
        add_key(key, environment)
        key.unlink()
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert served.up()["changes"] == 0


def test_an_encrypted_key_that_the_agent_offers_is_not_asked_about(
    served: Cluster, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agent(tmp_path) as environment:
        add_key(key, environment)
        keygen("-p", "-P", "", "-N", "open sesame", "-f", str(key))
        served.inventory["ssh"]["identity_file"] = str(key)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code, screen = converse(served, [], "plan")
        assert code == 0, screen
        assert "Passphrase" not in screen


def test_the_passphrase_of_an_encrypted_key_is_asked_once(served: Cluster, key: Path) -> None:
    keygen("-p", "-P", "", "-N", "open sesame", "-f", str(key))
    served.inventory["ssh"]["identity_file"] = str(key)
    question = r"Passphrase for \S+/key: "
    answers = [(question, "wrong"), (question, "open sesame")]
    code, screen = converse(served, answers, "plan")
    assert code == 0, screen
    assert screen.count("Passphrase") == 2
    assert "sesame" not in screen
    code, screen = converse(served, answers[1:], "plan")
    assert code == 0, screen
    assert screen.count("Passphrase") == 1


def test_without_a_terminal_there_is_no_passphrase_prompt(served: Cluster, key: Path) -> None:
    keygen("-p", "-P", "", "-N", "open sesame", "-f", str(key))
    served.inventory["ssh"]["identity_file"] = str(key)
    result = served.run("plan")
    assert result.code == 3
    assert "the private key is encrypted and no agent offers it" in result.err
    assert f"next: load it first: ssh-add {key}" in result.err
    assert len(result.err.splitlines()) < 10


def test_certificates(
    served: Cluster, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, own = tmp_path / "ca", tmp_path / "own"
    for path in (authority, own):
        keygen("-t", "ed25519", "-N", "", "-f", str(path))
    served.inventory["ssh"]["identity_file"] = str(own)
    for node in served.lab.nodes:
        served.lab.exec(
            node,
            ["sh", "-c", "cat >/etc/ssh/ca.pub"],
            input=authority.with_suffix(".pub").read_text(),
        )
    with sshd(served, *served.lab.nodes, first="TrustedUserCAKeys /etc/ssh/ca.pub"):
        assert "login refused" in served.run("plan").err
        keygen("-s", str(authority), "-I", "me", "-n", "root", str(own.with_suffix(".pub")))
        beside = tmp_path / "own-cert.pub"
        assert served.up()["changes"] == 0
        # Somewhere else, named by the ssh config.
        elsewhere = tmp_path / "certificate"
        beside.rename(elsewhere)
        assert served.run("plan").code == 3
        config = tmp_path / "ssh_config"
        config.write_text(f"Host *\n  CertificateFile {elsewhere}\n")
        served.inventory["ssh"]["config"] = str(config)
        served.ok("plan")
        # In the agent.
        del served.inventory["ssh"]["config"], served.inventory["ssh"]["identity_file"]
        elsewhere.rename(beside)
        with agent(tmp_path) as environment:
            add_key(own, environment)
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            served.ok("plan")


def test_every_node_has_its_own_user_and_port(served: Cluster, tmp_path: Path) -> None:
    served.inventory["ssh"]["known_hosts"] = str(tmp_path / "known_hosts")
    with (
        person(served, "dora", "dora ALL=(ALL) NOPASSWD: ALL", nodes=["n3"]),
        sshd(served, "n2", first="Port 2022"),
    ):
        served.inventory["nodes"][1]["ssh"] = {"user": "ops", "port": 2022}
        served.inventory["nodes"][2]["ssh"] = {"user": "dora"}
        assert served.ok("plan", "--json", "--accept-new-host-keys").document["changes"] == 0
        assert "Accepted publickey for dora" in served.node("n3", "cat /var/log/sshd.log")
    assert "]:2022 " in (tmp_path / "known_hosts").read_text()


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        (
            "AuthenticationMethods publickey,keyboard-interactive\nKbdInteractiveAuthentication yes"
            "\nUsePAM yes",
            "the key was accepted, but the server also wants keyboard-interactive",
        ),
        (
            "PubkeyAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM yes",
            "the server accepts no keys from this user, only keyboard-interactive",
        ),
    ],
    ids=["on top of the key", "instead of a key"],
)
def test_a_login_that_needs_a_person_is_reported_without_a_prompt(
    served: Cluster, options: str, reported: str
) -> None:
    with sshd(served, "n2", first=options):
        code, screen = converse(served, [], "plan")
        assert code == 3
        flat = " ".join(screen.split())
        assert reported in flat
        assert "AuthenticationMethods publickey" in flat
        assert "Password" not in screen
