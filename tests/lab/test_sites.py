"""Nodes as they are at real sites: other shells, hardened systems, stingy servers, slow links."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path

import pytest

from tests.lab.harness import Cluster, Result, eventually
from tests.lab.site import person, slow_link, sshd

SHELLS = {"n1": "/usr/bin/tcsh", "n2": "/usr/bin/fish", "n3": "/bin/dash"}
TALK = "echo WELCOME; echo '@everyone: maintenance tonight!'"


def change(cluster: Cluster) -> None:
    """The inventory becomes another."""
    now = cluster.node("n1", "grep balance /etc/hadeploy/kube-lb/haproxy/haproxy.cfg")
    other = "source" if "roundrobin" in now else "roundrobin"
    cluster.inventory["listeners"] = [{"balance": other}]


@pytest.mark.parametrize(
    ("sudoers", "password"),
    [
        ("ALL=(ALL) NOPASSWD: ALL", ""),
        ("ALL=(ALL) ALL", "secret $HOME!"),
        ("ALL=(ALL) ALL\nDefaults requiretty", "secret $HOME!"),
    ],
    ids=["sudo", "sudo with a password", "sudo on a terminal"],
)
def test_login_shells_that_are_not_posix_and_talk(
    served: Cluster, sudoers: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_PASSWORD", password)
    if password:
        served.inventory["ssh"]["sudo_password"] = "env:SUDO_PASSWORD"
    with contextlib.ExitStack() as people:
        for place, (node, shell) in enumerate(SHELLS.items()):
            user = f"user-of-{node}"
            people.enter_context(
                person(
                    served,
                    user,
                    f"{user} {sudoers}",
                    password=password,
                    shell=shell,
                    nodes=[node],
                )
            )
            served.node(
                node,
                f"""cd /home/{user}; mkdir -p .config/fish
                echo "{TALK}" | tee .cshrc .profile >.config/fish/config.fish
                chown -R {user} .""",
            )
            served.inventory["nodes"][place]["ssh"] = {"user": user}
        banner = served.lab.nodes
        for node in banner:
            served.node(node, "echo 'Authorized use only. @all' >/etc/ssh/banner")
        people.enter_context(sshd(served, *banner, first="Banner /etc/ssh/banner"))
        change(served)
        assert served.up()["changes"] > 0
        assert served.up()["changes"] == 0


def test_a_hardened_node(fresh: Cluster) -> None:
    """/tmp without exec, umask 077, no SFTP; from nothing, so that every file is written."""
    nodes = fresh.lab.nodes
    sudoers = "dora ALL=(ALL) NOPASSWD: ALL\nDefaults:dora umask=0077"
    with person(fresh, "dora", sudoers), sshd(fresh, *nodes, without="sftp"):
        fresh.inventory["ssh"]["user"] = "dora"
        for node in nodes:
            fresh.node(node, "mount -o remount,noexec /tmp; echo 'umask 077' >/home/dora/.bashrc")
        try:
            assert fresh.up()["changes"] > 0
            assert fresh.up()["changes"] == 0
        finally:
            for node in nodes:
                fresh.node(node, "mount -o remount,exec /tmp")


@pytest.mark.exhaustive
@pytest.mark.parametrize("module", ["hadeploy", "tests.lab.fast_renewal"], ids=["", "renewing"])
def test_a_server_with_room_for_one_session(served: Cluster, module: str) -> None:
    """Also while the lock's renewal uses the only channel all the time."""
    with sshd(served, *served.lab.nodes, first="MaxSessions 1"):
        for _ in range(2):
            change(served)
            result = served.run("up", "--json", module=module)
            assert result.code == 0, result.err
            assert result.document["changes"] > 0


def test_a_jump_host_with_room_for_one_login_is_asked_again(served: Cluster) -> None:
    jump = served.lab.address("n1")
    config = served.folder / "ssh_config"
    key = served.inventory["ssh"]["identity_file"]
    config.write_text(f"Host {jump}\n  IdentityFile {key}\n  User root\n")
    served.inventory["ssh"]["config"] = str(config)
    for node in served.inventory["nodes"][1:]:
        node["ssh"] = {"jump": f"root@{jump}"}
    with sshd(served, "n1", first="MaxStartups 1", without="^MaxStartups"):
        results: list[Result] = []
        run = threading.Thread(target=lambda: results.append(served.run("plan")))
        # Another login is in progress, slowly.
        with socket.create_connection((jump, 22)) as slow:
            assert slow.recv(4) == b"SSH-"
            run.start()
            eventually(
                lambda: "MaxStartups" in served.node("n1", "cat /var/log/sshd.log"),
                "the jump host has refused a connection",
            )
        run.join(60)
        assert results[0].code == 0, results[0].err


@pytest.mark.exhaustive
def test_a_server_that_never_has_room_is_given_up_in_time(served: Cluster) -> None:
    served.inventory["ssh"]["connect_timeout"] = 2
    jump = served.lab.address("n1")
    with (
        sshd(served, "n1", first="MaxStartups 1", without="^MaxStartups"),
        socket.create_connection((jump, 22)) as slow,
    ):
        assert slow.recv(4) == b"SSH-"
        result = served.run("plan")
        assert result.code == 3
        assert "no SSH server answers within 2 s" in result.err
        assert "MaxStartups" in result.err


def test_a_slow_link(served: Cluster, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    before = Path(served.inventory["ssh"]["known_hosts"]).read_text()
    (line,) = [one for one in before.splitlines() if one.startswith("n2,")]
    with slow_link(served.lab.address("n2"), 22, 0.2) as port:
        known.write_text(f"{before}[127.0.0.1]:{port} {line.partition(' ')[2]}\n")
        served.inventory["ssh"]["known_hosts"] = str(known)
        served.inventory["nodes"][1]["ssh"] = {"host": "127.0.0.1", "port": port}
        change(served)
        assert served.up()["changes"] > 0
        assert served.up()["changes"] == 0
