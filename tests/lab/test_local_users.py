"""What a user of a node who is not root can do to the cluster: nothing."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from hadeploy.desired import layout
from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually

# It answers whatever it is asked as haproxy would, on each port that it gets.
SQUATTER = """
import re, socket, sys, threading, time
config, *ports = sys.argv[1:]
def answer(connection):
    asked = connection.recv(4096).decode()
    if "/config" in asked:
        connection.sendall(f"HTTP/1.1 302 Found\\r\\nlocation: /{config}\\r\\n\\r\\n".encode())
    else:
        connection.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    connection.close()
def take(port):
    while True:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1" if port == 19443 else "0.0.0.0", port))
            listener.listen()
            break
        except OSError:
            time.sleep(0.002)
    while True:
        answer(listener.accept()[0])
for port in ports:
    threading.Thread(target=take, args=(int(port),)).start()
"""


@contextlib.contextmanager
def squatting(cluster: Cluster, node: str) -> Iterator[None]:
    """A user of the node waits for haproxy's ports to be free, and takes them."""
    config = cluster.node(
        node, f"sed -n 's,.*location /\\([0-9a-f]*\\).*,\\1,p' {ROOT}/haproxy/*.cfg"
    )
    cluster.lab.exec(node, ["sh", "-c", "cat >/tmp/squatter.py"], input=SQUATTER)
    pid = cluster.node(
        node,
        f"""setpriv --reuid nobody --clear-groups python3 /tmp/squatter.py {config} 19443 9443 \\
            >/dev/null 2>&1 </dev/null & echo $!""",
    )
    try:
        yield
    finally:
        cluster.node(node, f"kill {pid}; rm /tmp/squatter.py")


def squats(cluster: Cluster, node: str) -> bool:
    """Whether another program has both ports."""
    return cluster.node(node, "ss -Hltnp 'sport = :19443 or sport = :9443'").count("python3") == 2


@pytest.mark.exhaustive
def test_who_takes_haproxys_ports_does_not_keep_the_vip(served: Cluster) -> None:
    (holder,) = served.holders()
    with squatting(served, holder):
        served.node(holder, f"docker stop --time 1 {HAPROXY} >/dev/null")
        eventually(lambda: squats(served, holder), "the ports are taken")
        eventually(lambda: served.holders() not in ([holder], []), "the VIP moves", 10)
        (other,) = served.holders()
        assert other != holder
        # haproxy cannot come back; what answers in its place is not taken for it.
        served.node(holder, f"docker start {HAPROXY} >/dev/null")
        result = served.run("verify", "--json")
        assert result.code != 0
        assert (holder, "haproxy-answers") in result.failures()
        assert served.holders() == [other]
        assert served.run("status").code != 0
    eventually(lambda: served.run("verify").code == 0, "haproxy is back by itself", 60)


def test_haproxy_runs_as_its_own_user(served: Cluster) -> None:
    node = served.lab.nodes[0]
    pid = served.node(node, f"docker inspect --format '{{{{.State.Pid}}}}' {HAPROXY}")
    uid = served.node(node, f"stat -c %u /proc/{pid}")
    assert served.node(node, f"getent passwd {uid}", check=False) == ""
    # Whoever gets to haproxy's socket changes nothing there; root gets everywhere.
    reported = served.node(
        node,
        f"""python3 -c '
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/proc/{pid}/root/tmp/haproxy.sock")
s.sendall(b"set server kube-apiserver-backend/n1 addr 192.0.2.1\\n")
print(s.recv(4096).decode())' 2>&1""",
        check=False,
    )
    assert "Permission denied" in reported


def test_a_user_of_the_node_does_not_get_into_our_folder(served: Cluster) -> None:
    node = served.lab.nodes[0]
    # As a compromised keepalived could.
    served.node(
        node,
        f"""docker exec {KEEPALIVED} sh -c 'cp /bin/bash /etc/keepalived-track/shell &&
            chmod 4755 /etc/keepalived-track/shell'""",
    )
    try:
        for path in ("", "/track/shell", "/haproxy/haproxy.cfg"):
            reported = served.node(
                node,
                f"setpriv --reuid nobody --clear-groups ls {ROOT}{path} 2>&1",
                check=False,
            )
            assert "Permission denied" in reported
    finally:
        served.node(node, f"rm -f {ROOT}/track/shell")


# It keeps so many connections open on a port, and asks nothing.
LEECH = """
import resource, socket, sys, time
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
count, port, kept = int(sys.argv[1]), int(sys.argv[2]), []
def is_open(connection):
    try:
        return connection.recv(100) is None
    except BlockingIOError:
        return True
    except OSError:
        return False
while True:
    while len(kept) < count:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(("127.0.0.1", port))
        kept.append(connection)
    kept = list(filter(is_open, kept))
    time.sleep(0.01)
"""


@contextlib.contextmanager
def leeching(
    cluster: Cluster, node: str, count: int, port: int = 19443, most: int = layout.HEALTH_MAXCONN
) -> Iterator[None]:
    """A user of the node has that many connections to a port; haproxy accepts so many at most."""
    cluster.lab.exec(node, ["sh", "-c", "cat >/tmp/leech.py"], input=LEECH)
    pid = cluster.node(
        node,
        f"""setpriv --reuid nobody --clear-groups python3 /tmp/leech.py {count} {port} \
            >/dev/null 2>&1 </dev/null & echo $!""",
    )
    try:
        eventually(
            lambda: int(cluster.node(node, f"ss -Htn 'sport = :{port}' | wc -l")) >= most,
            "the port is full",
        )
        yield
    finally:
        cluster.node(node, f"kill {pid}")


@pytest.mark.parametrize("count", [110, pytest.param(6000, marks=pytest.mark.exhaustive)])
def test_connections_to_the_health_port_do_not_move_the_vip(served: Cluster, count: int) -> None:
    (holder,) = served.holders()
    since = served.node(holder, "date +%s")
    with leeching(served, holder, count):
        # The port is free for a moment each time that haproxy ends the idle connections.
        until = time.monotonic() + 2 * layout.IDLE_SECONDS
        while time.monotonic() < until:
            assert served.holders() == [holder]
            assert served.request()
        reported = served.node(holder, f"docker logs --since {since} {KEEPALIVED} 2>&1")
        assert "now returning 1" not in reported
        # A haproxy that hangs is noticed all the same.
        every = f"docker top {HAPROXY} -o pid | tail -n +2"
        served.node(holder, f"kill -STOP $({every})")
        try:
            eventually(lambda: served.holders() not in ([holder], []), "the VIP moves", 10)
        finally:
            served.node(holder, f"kill -CONT $({every})")
    eventually(lambda: served.run("verify").code == 0, "all is well again", 60)


@pytest.mark.parametrize("count", [110, pytest.param(5000, marks=pytest.mark.exhaustive)])
def test_connections_to_the_health_port_stop_no_command(served: Cluster, count: int) -> None:
    (holder,) = served.holders()
    with leeching(served, holder, count):
        eventually(lambda: crowd(served), "it is seen who has the connections")
        assert "healthy" in served.ok("status").out
        served.inventory["haproxy"] = {"hard_stop_after": f"{60 + count % 7}s"}
        # A reload, which the holder proves.
        assert served.up()["changes"] > 0
        served.ok("verify")
        # A haproxy that is made anew.
        served.inventory["haproxy"]["maxconn"] = 7000 + count % 7
        assert served.up()["changes"] > 0
    assert served.request()


def crowd(cluster: Cluster) -> bool:
    proofs = cluster.ok("verify", "--json").document["proofs"]
    told = [
        p["message"] for p in proofs if p["proof"] == "haproxy-answers" and p["verdict"] == "warn"
    ]
    return any("connections of user nobody (uid " in message for message in told)


@pytest.mark.exhaustive
def test_a_user_who_fills_port_and_listener_does_not_move_the_vip(served: Cluster) -> None:
    served.inventory["haproxy"] = {"maxconn": 300}
    served.up()
    (holder,) = served.holders()
    since = served.node(holder, "date +%s")
    with leeching(served, holder, 110), leeching(served, holder, 400, 9443, 300):
        until = time.monotonic() + 2 * layout.IDLE_SECONDS
        while time.monotonic() < until:
            assert served.holders() == [holder]
        told = served.node(holder, f"docker logs --since {since} {KEEPALIVED} 2>&1")
        assert "now returning 1" not in told
        result = served.run("status")
        assert result.code != 0
        assert f"{holder}: listener kube-apiserver is full: 300 of 300 connections" in result.out
    eventually(lambda: served.run("verify").code == 0, "all is well again", 60)


# It listens at addresses that haproxy does not use.
NEIGHBOUR = """
import socket, time
kept = []
for family, address, port in ((10, "::1", 9443), (10, "::1", 19443), (2, "127.0.0.2", 19443)):
    listener = socket.socket(family)
    listener.bind((address, port))
    listener.listen()
    kept.append(listener)
time.sleep(600)
"""


def test_a_listener_at_another_address_keeps_nothing_from_being_done(served: Cluster) -> None:
    node = served.lab.nodes[-1]
    served.lab.exec(node, ["sh", "-c", "cat >/tmp/neighbour.py"], input=NEIGHBOUR)
    pid = served.node(
        node,
        """setpriv --reuid nobody --clear-groups python3 /tmp/neighbour.py \\
            >/dev/null 2>&1 </dev/null & echo $!""",
    )
    try:
        eventually(lambda: "127.0.0.2:19443" in served.node(node, "ss -Hltn"), "it listens")
        served.inventory["haproxy"] = {"hard_stop_after": "71s"}
        for command in (("check",), ("up", "--yes"), ("verify",), ("status",)):
            result = served.ok(*command)
            assert "python3" not in result.out + result.err
    finally:
        served.node(node, f"kill {pid}; rm /tmp/neighbour.py")


# A process of a user in a cgroup of the user's own, as systemd and rootless engines give them one,
# with the name of a container. It calls itself keepalived, and names a configuration with the VIP
# and a script that is a pipe.
IMPOSTOR = """
import ctypes, os, shutil, sys, time
cgroup, folder, vip = sys.argv[3:]
with open(f"{cgroup}/cgroup.procs", "w") as processes:
    processes.write("0")
os.mkfifo(f"{folder}/script")
with open(f"{folder}/keepalived.conf", "w") as configuration:
    configuration.write(
        "vrrp_instance x {\\n interface eth0\\n virtual_router_id 53\\n"
        f" virtual_ipaddress {{\\n {vip}/32\\n }}\\n notify {folder}/script\\n}}\\n"
    )
ctypes.CDLL(None).prctl(15, b"keepalived", 0, 0, 0)
time.sleep(600)
"""


@contextlib.contextmanager
def impostor(cluster: Cluster, node: str, program: str) -> Iterator[None]:
    """A user's process that passes for a keepalived in a container.

    Args:
        cluster: the lab's.
        node: where.
        program: its executable.
    """
    cgroup = f"/sys/fs/cgroup/systemd/user.slice/{'a' * 64}"
    cluster.lab.exec(node, ["sh", "-c", "cat >/tmp/impostor.py"], input=IMPOSTOR)
    vip = cluster.lab.environment["HADEPLOY_LAB_VIP"]
    pid = cluster.node(
        node,
        f"""install -d -o nobody {cgroup} /tmp/impostor && chown nobody {cgroup}/*
            cp "$(readlink -f "$(command -v python3)")" {program}
            setpriv --reuid nobody --clear-groups {program} /tmp/impostor.py \\
                -f /tmp/impostor/keepalived.conf {cgroup} /tmp/impostor {vip} \\
                >/tmp/impostor.log 2>&1 </dev/null & echo $!""",
    )
    try:
        eventually(
            lambda: cluster.node(node, f"cat /proc/{pid}/comm", check=False) == "keepalived",
            "it calls itself keepalived",
        )
        yield
    finally:
        cluster.node(node, f"kill {pid}; sleep 0.2; rmdir {cgroup}; rm -r /tmp/impostor* {program}")


def test_a_process_that_calls_itself_keepalived_keeps_nothing_from_being_done(
    served: Cluster,
) -> None:
    node = served.lab.nodes[-1]
    with impostor(served, node, "/tmp/keepalived"):
        for command in (("check",), ("plan", "--exit-code"), ("status",), ("verify",)):
            began = time.monotonic()
            result = served.ok(*command)
            assert time.monotonic() - began < 30
            assert "keepalived runs on the host" not in result.out + result.err
            assert "claims" not in result.out + result.err
