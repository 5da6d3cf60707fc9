"""`hadeploy check` reports every problem of the nodes at once and changes nothing."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.faults import ETC_READ_ONLY
from tests.lab.harness import HAPROXY, ROOT, Cluster, Result, eventually

LISTEN = "import socket,time; s=socket.create_server(('',9443)); time.sleep(600)"


def verdicts(result: Result, verdict: str) -> dict[tuple[str | None, str], str]:
    """(node, check) → message of those findings."""
    found = result.document["checks"]
    return {(c["node"], c["id"]): c["message"] for c in found if c["verdict"] == verdict}


@contextlib.contextmanager
def address_here(cluster: Cluster, address: str) -> Iterator[None]:
    """The host that is the lab's switch, and no node, has an address, too."""
    bridge = cluster.lab.addressing.bridge
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", bridge], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", bridge], check=True)


def test_healthy_nodes_pass_before_and_after_up(fresh: Cluster) -> None:
    before = fresh.ok("check", "--json")
    assert {c["verdict"] for c in before.document["checks"]} == {"pass"}
    fresh.up()
    state = fresh.snapshot()
    after = fresh.ok("check")
    assert "checks passed" in after.out
    assert fresh.snapshot() == state
    assert fresh.request() in fresh.lab.nodes


def test_every_defect_of_every_node_is_reported_at_once_and_nothing_changes(fresh: Cluster) -> None:
    n1, n2, n3 = fresh.lab.nodes
    fresh.node(n1, f'setsid python3 -c "{LISTEN}" </dev/null >/dev/null 2>&1 &')
    fresh.inventory["nodes"][1]["interface"] = "eth7"
    fresh.inventory["haproxy"] = {"maxconn": 1_000_000}
    fresh.inventory["images"]["haproxy"] = {
        "reference": "haproxy:nowhere",
        "archive": "/nowhere/haproxy.tar",
    }
    fresh.node(n3, "kill $(cat /run/docker.pid); while test -e /run/docker.pid; do sleep 0.1; done")
    try:
        eventually(lambda: fresh.node(n1, "ss -Hltn 'sport = :9443'"), "the port is taken")
        with address_here(fresh, fresh.lab.vip):
            state = fresh.snapshot()
            result = fresh.run("check", "--json")
            screen = fresh.run("check")
            skipped = fresh.run("check", "--json", "--skip", "ports", "--skip", "vip-free")
            assert fresh.snapshot() == state
    finally:
        fresh.lab.reboot(n3)
        fresh.node(n1, "fuser -k 9443/tcp || pkill -f 'create_server' || :", check=False)
    failed = verdicts(result, "fail")
    assert set(failed) == {
        (n1, "ports"),
        (n1, "nofile"),
        (n1, "vip-free"),
        (n2, "interface"),
        (n2, "nofile"),
        (n2, "vip-free"),
        (n3, "docker"),
        (n3, "vip-free"),
        (None, "image"),
    }
    assert "port 9443 is taken by python3 (pid " in failed[n1, "ports"]
    assert failed[n2, "interface"] == "has no interface eth7 with an address"
    assert failed[n3, "docker"] == "the Docker engine does not answer"
    assert fresh.lab.addressing.controller.mac in failed[n1, "vip-free"]
    assert failed[None, "image"] == "/nowhere/haproxy.tar: no such file"
    assert result.code == screen.code == 3
    assert "fix: correct nodes[].interface" in screen.out
    assert not {check for _, check in verdicts(skipped, "fail")} & {"ports", "vip-free"}


def test_a_node_that_does_not_let_us_in_hides_no_other(cluster: Cluster, tmp_path: Path) -> None:
    n1, n2, n3 = cluster.lab.nodes
    ssh = cluster.inventory["ssh"]
    known = tmp_path / "known_hosts"
    lines = Path(ssh["known_hosts"]).read_text().splitlines(keepends=True)
    known.write_text("".join(li for li in lines if cluster.lab.address(n2) not in li))
    config = tmp_path / "config"
    hosts = f"{cluster.lab.address(n1)} {cluster.lab.address(n3)}"
    config.write_text(f"Host {hosts}\n  User root\n")
    ssh |= {"known_hosts": str(known), "connect_timeout": 4, "config": str(config)}
    cluster.inventory["nodes"][2]["ssh"] = {"user": "nobody-here"}
    nobody = cluster.lab.address(n3).rpartition(".")[0] + ".77"
    cluster.inventory["nodes"].append({"name": "n4", "address": nobody})
    state = cluster.snapshot()
    result = cluster.run("check", "--json")
    assert result.code == 3
    assert cluster.snapshot() == state
    failed = verdicts(result, "fail")
    assert set(failed) == {(n2, "ssh-host-key"), (n3, "ssh-login"), ("n4", "ssh-reach")}
    assert "unknown host key" in failed[n2, "ssh-host-key"]
    assert f"nobody-here@{cluster.lab.address(n3)}:22: login refused" in failed[n3, "ssh-login"]
    assert f"(ssh config: Host {cluster.lab.address(n3)})" in failed[n3, "ssh-login"]
    passed = verdicts(result, "pass")
    assert "(ssh config: Host" in passed[n1, "ssh-login"]
    assert (n1, "docker") in passed
    assert (n3, "ssh-host-key") in passed
    assert (n2, "ssh-login") not in passed


def test_sudo_that_wants_a_password_is_reported(cluster: Cluster) -> None:
    cluster.inventory["ssh"] |= {"user": "ops"}
    rules = "/etc/sudoers.d/lab-ops"
    cluster.node("n1", f"mv {rules} /root/rules && echo 'ops ALL=(ALL) ALL' >{rules}")
    try:
        result = cluster.run("check", "--json")
    finally:
        cluster.node("n1", f"mv /root/rules {rules}")
    failed = verdicts(result, "fail")
    assert set(failed) == {("n1", "sudo")}
    assert "sudo requires a password" in failed["n1", "sudo"]


@pytest.fixture
def elsewhere(served: Cluster) -> Iterator[tuple[Cluster, socket.socket, socket.socket]]:
    """An address outside the nodes' subnet, which every node could reach, and who listens there."""
    address, router = "203.0.113.77", str(served.lab.addressing.controller.v4.ip)
    with address_here(served, address), contextlib.ExitStack() as stack:
        for node in served.lab.nodes:
            served.node(node, f"ip route add default via {router}")
            stack.callback(served.node, node, "ip route del default")
        tcp = stack.enter_context(socket.create_server((address, 9443)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind((address, 9))
        tcp.setblocking(False)
        udp.setblocking(False)
        served.inventory["vip"] = address
        yield served, tcp, udp


def test_nothing_is_sent_to_a_vip_that_is_not_in_the_subnet(
    elsewhere: tuple[Cluster, socket.socket, socket.socket],
) -> None:
    cluster, tcp, udp = elsewhere
    state = cluster.snapshot()
    checked = cluster.run("check", "--json")
    assert {check for _, check in verdicts(checked, "fail")} == {"vip-subnet"}
    for command in (["plan"], ["up"]):
        result = cluster.run(*command)
        assert result.code == 3
        assert "203.0.113.77 is in no subnet of eth0" in result.err
    proofs = cluster.run("verify", "--timeout", "0", "--json")
    assert proofs.code == 4
    # The listener would have been heard: it answers whoever asks.
    with pytest.raises(BlockingIOError):
        tcp.accept()
    with pytest.raises(BlockingIOError):
        udp.recv(100)
    assert cluster.snapshot() == state
    cluster.node("n1", "timeout 5 bash -c 'exec 3<>/dev/tcp/203.0.113.77/9443'")
    tcp.accept()[0].close()


def test_the_router_is_no_vip(served: Cluster) -> None:
    router = str(served.lab.addressing.controller.v4.ip)
    served.inventory["vip"] = router
    served.node("n1", f"ip route add default via {router}")
    try:
        result = served.run("plan", "--json")
    finally:
        served.node("n1", "ip route del default")
    assert result.code == 3
    assert verdicts(result, "fail") == {
        ("n1", "vip-subnet"): f"{router} is the address of the default router"
    }


def test_a_warning_stops_nothing_and_is_reported_once(fresh: Cluster) -> None:
    fresh.node("n2", "iptables -A INPUT -p tcp --dport 9443 -j DROP")
    try:
        result = fresh.run("plan")
    finally:
        fresh.node("n2", "iptables -F INPUT")
    assert result.code == 0
    assert result.err.count("iptables drops connections to port 9443") == 1
    assert "ssh-reach" not in result.err + result.out


def test_ports_that_outgoing_connections_may_use_are_shown(served: Cluster) -> None:
    settings = "/proc/sys/net/ipv4/ip_local"
    before = served.node("n2", f"cat {settings}_port_range").strip()

    def warned(*command: str) -> dict[tuple[str | None, str], str]:
        found = verdicts(served.ok(*command, "--json"), "warn")
        return {key: text for key, text in found.items() if key[1] == "ephemeral-ports"}

    served.node("n2", f"echo 9000 65535 >{settings}_port_range")
    try:
        reported = "outgoing connections may use ports 9443, 19443; their range is 9000 to 65535"
        assert warned("check") == {("n2", "ephemeral-ports"): reported}
        served.node("n2", f"echo 9443,19443 >{settings}_reserved_ports")
        assert warned("check") == {}
        assert warned("plan") == {}
        served.inventory["listeners"] = [{"port": 9555}]
        assert "port 9555;" in warned("plan")["n2", "ephemeral-ports"]
    finally:
        served.node("n2", f"echo >{settings}_reserved_ports; echo {before} >{settings}_port_range")


def test_a_table_of_connections_that_is_nearly_full_is_shown(served: Cluster) -> None:
    count = "/proc/sys/net/netfilter/nf_conntrack_count"
    most = int(served.node("n2", "cat /proc/sys/net/netfilter/nf_conntrack_max"))
    served.node("n2", f"echo {most} >/run/tracked; mount --bind /run/tracked {count}")
    try:
        found = verdicts(served.ok("check", "--json"), "warn")
    finally:
        served.node("n2", f"umount {count}; rm /run/tracked")
    reported = f"the kernel tracks {most} connections of at most {most}"
    assert found == {("n2", "connection-tracking"): reported}


def test_an_essential_or_unknown_check_cannot_be_skipped(cluster: Cluster) -> None:
    for name in ("docker", "bogus"):
        result = cluster.run("plan", "--skip", name)
        assert result.code == 2
        assert "vip-subnet" in result.err


STRANGER = """vrrp_instance stranger {
  state MASTER\n interface eth0\n virtual_router_id 53\n priority 120\n advert_int 1
  virtual_ipaddress {\n 192.0.2.254/32 dev lo\n }\n}"""


@pytest.mark.parametrize(
    "mode", ["multicast", pytest.param("unicast", marks=pytest.mark.exhaustive)]
)
def test_a_stranger_with_the_same_virtual_router_id_is_detected(fresh: Cluster, mode: str) -> None:
    n1, _, stranger = fresh.lab.nodes
    fresh.lab.load_images()
    image = fresh.inventory["images"]["keepalived"]["reference"]
    # The third node is no longer one of the cluster: a neighbour on the segment.
    del fresh.inventory["nodes"][2]
    fresh.inventory["vrrp"] = {"mode": mode}
    fresh.node(stranger, f"cat >/run/stranger.conf <<'END'\n{STRANGER}\nEND")
    fresh.node(
        stranger,
        "docker run -d --name stranger --network host --cap-add NET_ADMIN --cap-add NET_RAW"
        " --cap-add NET_BROADCAST -v /run/stranger.conf:/s.conf:ro --entrypoint keepalived"
        f" {image} --dont-fork --log-console --vrrp --use-file=/s.conf",
    )
    try:
        eventually(
            lambda: fresh.node(stranger, "ip -o address show to 192.0.2.254"), "it is master"
        )
        state = fresh.snapshot()
        result = fresh.run("check", "--json")
        assert fresh.snapshot() == state
    finally:
        fresh.node(stranger, "docker rm -f stranger; ip address del 192.0.2.254/32 dev lo || :")
    reported = verdicts(result, "fail" if mode == "multicast" else "warn")
    assert "virtual_router_id 53 is used on this segment" in reported[n1, "virtual-router-id"]
    assert result.code == (3 if mode == "multicast" else 0)


@pytest.mark.exhaustive
def test_an_engine_that_hangs_hides_nothing_else(served: Cluster) -> None:
    n1, n2, _ = served.lab.nodes
    served.node(n2, "kill -STOP $(cat /run/docker.pid)")
    try:
        result = served.run("check", "--json")
    finally:
        served.node(n2, "kill -CONT $(cat /run/docker.pid)")
    assert result.code == 3
    failed = verdicts(result, "fail")
    assert failed[n2, "docker"] == "the Docker engine does not answer"
    assert {node for node, _ in failed} == {n2}
    assert {(n2, "clock"), (n2, "interface"), (n1, "docker")} <= set(verdicts(result, "pass"))


# What systemd says where it runs, which it does not in the lab.
SYSTEMCTL = """#!/bin/sh
case $* in
'is-active docker') echo active ;;
'is-enabled haproxy') echo enabled ;;
is-enabled*) echo disabled ;;
*) echo inactive ;;
esac
"""


def test_a_file_system_or_boot_that_would_break_the_cluster_is_reported(served: Cluster) -> None:
    n1, n2, n3 = served.lab.nodes
    here = "/usr/local/bin/systemctl"
    served.node(n1, ETC_READ_ONLY.inject)
    served.node(n2, f"mkdir -p /run/systemd/system; cat >{here} <<'END'\n{SYSTEMCTL}END")
    served.node(n2, f"chmod 755 {here}")
    served.node(n2, "mount -t tmpfs -o nr_inodes=10 tmpfs /etc/hadeploy")
    served.node(n3, "mount -t tmpfs -o size=1m tmpfs /etc/hadeploy")
    try:
        result = served.run("check", "--json")
        plan = served.run("plan")
    finally:
        served.node(n1, ETC_READ_ONLY.heal)
        served.node(n2, f"rm -r /run/systemd/system {here}; umount /etc/hadeploy")
        served.node(n3, "umount /etc/hadeploy")
    assert result.code == 3
    assert verdicts(result, "fail") == {
        (n1, "our-folder"): f"{ROOT} is on a read-only file system",
        (n2, "disk-space"): f"9 inodes are free for {ROOT}",
        (n3, "disk-space"): f"1048 kB are free for {ROOT}",
    }
    warned = verdicts(result, "warn")
    assert "do not start when the node boots" in warned[n2, "docker"]
    assert "haproxy would start on the host" in warned[n2, "host-services"]
    assert plan.code == 3
    assert "is on a read-only file system" in plan.err


def test_a_label_with_braces_hides_nothing(served: Cluster) -> None:
    image = served.node("n2", f"docker inspect --format '{{{{.Image}}}}' {HAPROXY}")
    label = """'hadeploy.cluster={"odd"}	}' """
    served.node("n2", f"docker create --name odd --label {label} {image}")
    try:
        served.ok("verify", "--timeout", "0")
        found = served.ok("check", "--json").document["checks"]
        assert any(c["node"] == "n2" and "(odd)" in c["message"] for c in found)
    finally:
        served.node("n2", "docker rm odd")
