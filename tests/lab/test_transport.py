"""Reaching nodes: trust, users, jumps, and shells that talk."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.lab.harness import Cluster, eventually


def test_an_unknown_host_key_is_refused_and_can_be_accepted_once(
    served: Cluster, tmp_path: Path
) -> None:
    known = tmp_path / "known_hosts"
    served.inventory["ssh"]["known_hosts"] = str(known)
    refused = served.run("plan")
    assert refused.code == 3
    assert "unknown host key" in refused.err
    assert "--accept-new-host-keys" in refused.err
    assert not known.exists()
    served.ok("plan", "--accept-new-host-keys")
    assert len(known.read_text().splitlines()) == 3
    served.ok("plan")


def test_a_changed_host_key_is_always_refused(served: Cluster, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    lines = Path(served.inventory["ssh"]["known_hosts"]).read_text().splitlines()
    keys = [line.split(" ", 1) for line in lines]
    # Every node with its neighbour's key.
    known.write_text("".join(f"{host} {keys[i - 1][1]}\n" for i, (host, _) in enumerate(keys)))
    served.inventory["ssh"]["known_hosts"] = str(known)
    for options in ((), ("--accept-new-host-keys",)):
        result = served.run("plan", *options)
        assert result.code == 3
        assert "the host key has CHANGED" in result.err


def test_an_ordinary_user_with_sudo_is_enough(served: Cluster) -> None:
    served.inventory["ssh"]["user"] = "ops"
    assert served.up()["changes"] == 0
    served.inventory["listeners"] = [{"balance": "roundrobin"}]
    assert served.up()["changes"] > 0


def test_a_user_without_sudo_gets_an_error(served: Cluster) -> None:
    served.inventory["ssh"] |= {"user": "ops", "sudo": "never"}
    result = served.run("plan")
    assert result.code == 3
    assert "the Docker engine does not answer" in result.err


def test_a_login_shell_that_talks_does_not_matter(served: Cluster) -> None:
    served.node("n1", "printf 'echo WELCOME; echo @everyone >&2\\n' >/root/.bashrc")
    try:
        assert served.up()["changes"] == 0
    finally:
        served.node("n1", "rm /root/.bashrc")


def test_a_jump_host_is_gone_through_and_its_key_is_checked(
    served: Cluster, tmp_path: Path
) -> None:
    ssh = served.inventory["ssh"]
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host *\n  IdentityFile {ssh['identity_file']}\n  User root\n"
        f"Host {served.lab.address('n2')} {served.lab.address('n3')}\n"
        f"  ProxyJump root@{served.lab.address('n1')}\n"
    )
    known = ssh.pop("known_hosts")
    ssh |= {"config": str(config), "known_hosts": known}
    assert served.up()["changes"] == 0
    only_targets = tmp_path / "known_hosts"
    only_targets.write_text(
        "".join(
            line
            for line in Path(known).read_text().splitlines(keepends=True)
            if served.lab.address("n1") not in line.split()[0].split(",")
        )
    )
    ssh["known_hosts"] = str(only_targets)
    result = served.run("plan", "--json")
    assert result.code == 3
    assert {e["node"] for e in result.document["errors"]} == {"n1", "n2", "n3"}
    assert "unknown host key" in result.err


def test_a_wrong_login_is_distinguished_from_a_closed_port(served: Cluster) -> None:
    served.inventory["ssh"]["user"] = "nobody-here"
    assert "login refused" in served.run("plan").err
    served.inventory["ssh"] |= {"user": "root", "port": 2}
    assert "Connection refused" in served.run("plan").err


def test_two_jump_hosts_are_gone_through_in_order(served: Cluster) -> None:
    n1, n2 = served.lab.address("n1"), served.lab.address("n2")
    served.inventory["nodes"][2]["ssh"] = {"jump": f"root@{n1}:22,root@{n2}"}
    key = Path(served.inventory["ssh"]["identity_file"])
    config = served.folder / "ssh_config"
    config.write_text(f"Host *\n  IdentityFile {key}\n")
    served.inventory["ssh"]["config"] = "ssh_config"
    assert served.up()["changes"] == 0


def test_a_silent_host_times_out(served: Cluster) -> None:
    mute = 'import socket, time; s = socket.create_server(("", 2222)); time.sleep(60)'
    served.node("n2", f"setsid python3 -c '{mute}' >/dev/null 2>&1 & echo $! >/run/mute.pid")
    try:
        eventually(lambda: served.node("n2", "ss -Hltn sport = :2222", check=False), "it listens")
        served.inventory["ssh"]["connect_timeout"] = 2
        served.inventory["nodes"][1]["ssh"] = {"port": 2222}
        result = served.run("plan")
        assert result.code == 3
        assert "n2: connecting to root@" in result.err
        assert "no SSH server answers within 2 s" in result.err
        assert "Traceback" not in result.err
    finally:
        served.node("n2", "kill $(cat /run/mute.pid)")


def test_a_machine_that_slept_does_not_blame_the_node(served: Cluster) -> None:
    served.inventory["ssh"]["command_timeout"] = 4
    served.inventory["haproxy"] = {"hard_stop_after": "44s"}
    process = served.start("up")
    assert process.stderr is not None
    for line in process.stderr:
        if "reloading" in line:
            break
    process.send_signal(signal.SIGSTOP)
    time.sleep(9)
    process.send_signal(signal.SIGCONT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert served.up()["changes"] == 0
