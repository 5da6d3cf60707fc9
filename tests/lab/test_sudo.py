"""Becoming root with a password, on a terminal that sudo insists on, and what must not leak."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from tests.lab.harness import HAPROXY, Cluster, eventually
from tests.lab.site import converse, person
from tests.lab.test_crash import LOCKS, new_image

# Fed to a shell by mistake, it would leave a trace.
PASSWORD = "touch /run/fed-to-a-shell"
ASKS = "dora ALL=(ALL:ALL) ALL\nDefaults:dora logfile=/var/log/sudo.log"
ASKS_NOT = "dora ALL=(ALL:ALL) NOPASSWD: ALL"
TERMINAL = "Defaults:dora requiretty"


@pytest.fixture
def dora(served: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Logs in as dora, with her password in the environment."""
    monkeypatch.setenv("SUDO_PASSWORD", PASSWORD)
    served.inventory["ssh"] |= {"user": "dora", "sudo_password": "env:SUDO_PASSWORD"}
    return served


@contextlib.contextmanager
def unseen(cluster: Cluster, node: str) -> Iterator[None]:
    """No user of the node sees the password in a command line or an environment."""
    cluster.lab.exec(node, ["sh", "-c", "cat >/run/pattern"], input="fed-to-a-shell\n")
    look = """while [ -e /run/pattern ]; do
        grep -als --file=/run/pattern /proc/[0-9]*/cmdline /proc/[0-9]*/environ && exit
    done; true"""
    seen: list[str] = []
    watch = threading.Thread(target=lambda: seen.append(cluster.node(node, look)))
    watch.start()
    try:
        yield
    finally:
        cluster.node(node, "rm /run/pattern")
        watch.join(30)
    assert seen == [""]
    for other in cluster.lab.nodes:
        assert cluster.node(other, "ls /run/fed-to-a-shell 2>/dev/null", check=False) == ""
        assert "fed-to-a-shell" not in cluster.node(
            other, "cat /var/log/sudo.log /var/log/sshd.log 2>/dev/null", check=False
        )


def change(cluster: Cluster) -> None:
    balance = cluster.node("n1", "grep balance /etc/hadeploy/kube-lb/haproxy/haproxy.cfg")
    other = "source" if "roundrobin" in balance else "roundrobin"
    cluster.inventory["listeners"] = [{"balance": other}]


@pytest.mark.parametrize("sudoers", [ASKS, ASKS_NOT], ids=["asks", "does not ask"])
def test_the_password_of_the_inventory_is_sent_to_sudo_alone(dora: Cluster, sudoers: str) -> None:
    with person(dora, "dora", sudoers, password=PASSWORD), unseen(dora, "n1"):
        change(dora)
        result = dora.ok("up", "--json", "--debug")
        assert result.document["changes"] > 0
        assert "fed-to-a-shell" not in result.out + result.err
        checks = dora.ok("check", "--json").document["checks"]
        (how,) = {c["message"] for c in checks if c["id"] == "sudo"}
        asked = "with the" if sudoers is ASKS else "without a"
        assert how == f"scripts run as root, by sudo, {asked} password"


def test_the_password_is_asked_once_and_not_shown(dora: Cluster) -> None:
    del dora.inventory["ssh"]["sudo_password"]
    with person(dora, "dora", ASKS, password=PASSWORD), unseen(dora, "n1"):
        question = "sudo password on the nodes: "
        code, screen = converse(dora, [(question, PASSWORD)], "plan", "--ask-sudo-password")
        assert code == 0, screen
        assert screen.count("password") == 1
        assert "fed-to-a-shell" not in screen


def test_a_wrong_password_is_tried_once_on_one_node(
    dora: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_PASSWORD", "a wrong one")
    with person(dora, "dora", ASKS, password=PASSWORD):
        for node in dora.lab.nodes:
            dora.node(node, "rm -f /var/log/sudo.log")
        result = dora.run("up")
        assert result.code == 3
        assert result.err.count("sudo refuses the password") == 1
        assert "a wrong one" not in result.err
        tries = [
            dora.node(node, "grep -c 'incorrect password' /var/log/sudo.log", check=False)
            for node in dora.lab.nodes
        ]
        assert tries == ["1", "", ""]
        assert "1 incorrect password attempt" in dora.node("n1", "cat /var/log/sudo.log")


def test_a_sudo_that_asks_without_a_password_configured(dora: Cluster) -> None:
    del dora.inventory["ssh"]["sudo_password"]
    with person(dora, "dora", f"{ASKS}", password=PASSWORD):
        result = dora.run("plan")
        assert result.code == 3
        assert "sudo requires a password" in result.err
        assert "--ask-sudo-password" in result.err
        result = dora.run("plan", "--ask-sudo-password")
        assert result.code == 2
        assert "there is no terminal to ask on" in result.err
        dora.inventory["ssh"]["sudo_password"] = "env:NOT_SET"
        result = dora.run("plan")
        assert result.code == 2
        assert "env:NOT_SET: the variable is not set" in result.err


def test_a_user_who_may_not_become_root(dora: Cluster) -> None:
    with person(dora, "dora", "", password=PASSWORD):
        result = dora.run("plan")
        assert result.code == 3
        assert "sudo does not allow this user to become root" in result.err


def test_a_user_who_may_run_docker_only(dora: Cluster) -> None:
    with person(dora, "dora", "dora ALL=(ALL:ALL) /usr/bin/docker", password=PASSWORD):
        result = dora.run("plan")
        assert result.code == 3
        assert "sudo does not allow this user to become root" in result.err


@pytest.mark.parametrize("sudoers", [ASKS, ASKS_NOT], ids=["asks", "does not ask"])
@pytest.mark.parametrize("option", ["x", pytest.param("v", marks=pytest.mark.exhaustive)])
def test_a_shell_that_prints_every_command(dora: Cluster, option: str, sudoers: str) -> None:
    with person(dora, "dora", sudoers, password=PASSWORD), unseen(dora, "n1"):
        for node in dora.lab.nodes:
            dora.node(node, f"echo set -{option} >/home/dora/.bashrc")
        printed = dora.node(
            "n1", "su dora -c 'SHLVL=0 SSH_CLIENT=1 bash -c true' 2>&1", check=False
        )
        assert option == "v" or printed
        dora.ok("plan")


@pytest.mark.parametrize("sudoers", [ASKS, f"{ASKS}\n{TERMINAL}"], ids=["pipe", "terminal"])
def test_a_sudo_of_the_accounts_own_is_not_called(dora: Cluster, sudoers: str) -> None:
    planted = "/home/dora/bin/sudo"
    steal = "#!/bin/sh\nhead -n 1 >>/home/dora/stolen; echo called >>/home/dora/stolen\n"
    with person(dora, "dora", sudoers, password=PASSWORD):
        for node in dora.lab.nodes:
            dora.node(node, "install -d -o dora /home/dora/bin")
            dora.lab.exec(node, ["sh", "-c", f"cat >{planted} && chmod 755 {planted}"], input=steal)
            for program in ("env", "sh", "stty", "head"):
                dora.node(node, f"ln -s {planted} /home/dora/bin/{program}")
            dora.node(node, "echo 'PATH=/home/dora/bin:$PATH' >/home/dora/.bashrc")
        assert dora.node("n1", "su dora -c 'SSH_CLIENT=1 SHLVL=0 bash -c \"type sudo\"'") == (
            f"sudo is {planted}"
        )
        dora.ok("plan")
        for node in dora.lab.nodes:
            assert dora.node(node, "ls /home/dora/stolen", check=False) == ""


@pytest.mark.exhaustive
@pytest.mark.parametrize("sudoers", [ASKS, ASKS_NOT], ids=["asks", "does not ask"])
def test_a_sudo_that_insists_on_a_terminal(
    dora: Cluster, sudoers: str, request: pytest.FixtureRequest
) -> None:
    """From nothing, so that images go that way, too."""
    request.getfixturevalue("fresh")
    insisting = "sudo: sorry, you must have a tty"
    if sudoers is ASKS_NOT:
        del dora.inventory["ssh"]["sudo_password"]
    with person(dora, "dora", f"{sudoers}\n{TERMINAL}", password=PASSWORD), unseen(dora, "n1"):
        assert insisting in dora.node("n1", "setsid su dora -c 'sudo -n true' 2>&1", check=False)
        for node in dora.lab.nodes if sudoers is ASKS else ():
            dora.node(node, "docker image prune --all --force")
        assert dora.up()["changes"] > 0
        assert dora.up()["changes"] == 0


def test_a_script_on_a_terminal_goes_on_when_the_connection_is_cut(dora: Cluster) -> None:
    (holder,) = dora.holders()
    other = next(node for node in dora.lab.nodes if node != holder)
    with person(dora, "dora", f"{ASKS_NOT}\n{TERMINAL}"):
        new_image(dora)
        result = dora.accident("cut", f"{other} recreating", "up", "--json")
        assert result.code == 1
        assert result.document["nodes"][other] == "unknown"
        eventually(lambda: not dora.node(other, LOCKS, check=False), "it has given its lock back")
        reference = dora.inventory["images"]["haproxy"]["reference"]
        running = dora.node(other, f"docker inspect --format '{{{{.Config.Image}}}}' {HAPROXY}")
        assert running == reference
        dora.ok("up", "--lock-wait", "60")
