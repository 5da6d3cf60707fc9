"""What one node, one user, one name or one inventory says, and what it must not decide or reach."""

from __future__ import annotations

import contextlib
import json
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.hostile.hostile_node import CONTROLS
from tests.lab.harness import HAPROXY, ROOT, Cluster, Result, eventually

OSC = "\x1b]52;c;aGk=\x07"
EDIT = """
import json, sys
file, keys, value = sys.argv[1], sys.argv[2].split("."), json.loads(sys.argv[3])
document = place = json.load(open(file))
for key in keys[:-1]:
    place = place[key]
place[keys[-1]] = value
json.dump(document, open(file, "w"), indent=1)
"""


def edit(cluster: Cluster, node: str, file: str, keys: str, value: object) -> None:
    """Change one value in a JSON file of a node."""
    cluster.lab.exec(node, ["python3", "-c", EDIT, f"{ROOT}/{file}", keys, json.dumps(value)])


def shown(result: Result) -> str:
    """All that a command printed, as one line."""
    return " ".join((result.out + result.err).split())


def test_the_former_record_of_one_node_does_not_change_all_nodes(served: Cluster) -> None:
    served.inventory["haproxy"] = {"maxconn": 870}
    served.up()
    edit(served, "n1", ".previous/applied.json", "inventory.images.haproxy.reference", "evil:9")
    before = served.snapshot()
    for command in ("plan", "up"):
        result = served.run(command, "--rollback", *(["--yes"] if command == "up" else []))
        assert result.code == 2
        assert "n1" in shown(result)
        assert served.snapshot() == before
    for node in served.lab.nodes:
        assert "evil" not in served.node(node, f"docker inspect {HAPROXY}")


def test_a_host_that_only_a_record_names_must_be_known(served: Cluster, tmp_path: Path) -> None:
    former = served.inventory["nodes"].pop()
    lines = Path(served.inventory["ssh"]["known_hosts"]).read_text().splitlines(keepends=True)
    known = tmp_path / "known_hosts"
    known.write_text("".join(line for line in lines if former["address"] not in line))
    before = known.read_text()
    served.inventory["ssh"]["known_hosts"] = str(known)
    result = served.run("up", "--yes", "--prune", "--accept-new-host-keys")
    assert result.code == 3
    assert "unknown host key" in result.err
    assert f"connect once with ssh {former['address']}" in shown(result)
    assert known.read_text() == before


def test_one_nodes_record_takes_no_address_from_another_node(served: Cluster) -> None:
    address = "198.19.250.9"
    served.node("n2", f"ip address add {address}/32 dev lo")
    try:
        edit(served, "n1", "applied.json", "vips", [served.lab.vip, address])
        served.inventory["haproxy"] = {"maxconn": 880}
        for command in ("status", "up --yes", "verify", "down --yes"):
            first, *options = command.split()
            result = served.run(first, *options)
            if first != "status":
                assert result.code == 0, f"{command}: {result.code}\n{result.out}\n{result.err}"
            assert served.node("n2", f"ip -o address show dev lo to {address}"), command
        assert served.files_left() == {}, result.out + result.err
    finally:
        served.node("n2", f"ip address del {address}/32 dev lo", check=False)


def test_a_node_given_to_a_second_inventory_does_not_end_the_first_cluster(served: Cluster) -> None:
    second = served.copy()
    second.inventory["vip"] = str(ip_address(served.lab.vip) + 1)
    second.inventory["nodes"] = [n for n in second.inventory["nodes"] if n["name"] == "n3"]
    before = served.snapshot()
    refused = second.run("up", "--yes")
    assert refused.code
    assert "--prune` stops it" not in shown(refused)
    assert f"with {served.lab.vip}" in shown(refused), "whose node it is"
    assert second.run("up", "--yes", "--prune").code
    assert served.snapshot() == before
    assert served.request()


def test_a_process_name_of_a_user_reaches_the_terminal_without_controls(fresh: Cluster) -> None:
    program = (
        "import ctypes, socket, time\n"
        r"ctypes.CDLL(None).prctl(15, b'\x1b]52;c;a\x9b\x07')"
        "\ns = socket.create_server(('0.0.0.0', 9443))\ntime.sleep(120)"
    )
    fresh.lab.exec("n2", ["sh", "-c", "cat >/tmp/named.py"], input=program)
    fresh.node("n2", "setpriv --reuid 65534 python3 /tmp/named.py >/dev/null 2>&1 &")
    try:
        listens = "ss -Hltn sport = :9443"
        eventually(lambda: fresh.node("n2", listens), "it listens")
        for command in ("check", "up"):
            result = fresh.run(command)
            said = result.out + result.err
            assert [c for c in CONTROLS if c in said] == [], command
            assert "9443" in said
    finally:
        fresh.node("n2", "kill $(ss -Hltnp sport = :9443 | grep -o 'pid=[0-9]*' | cut -d= -f2)")


@contextlib.contextmanager
def speaking(text: bytes) -> Iterator[int]:
    """A server on this machine that sends a banner to each client; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(text)
                        connection.settimeout(2)
                        while connection.recv(4096):
                            pass

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "text",
    [
        f"{OSC}\x9b31m\r\nSSH-2.0-x\r\n".encode("latin-1"),
        pytest.param(
            f"SSH-2.0-{OSC}\x9b31m\r\nnonsense\r\n".encode("latin-1"),
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            f"{OSC}\x9b31m".encode("latin-1") * 20_000,
            marks=pytest.mark.exhaustive,
        ),
    ],
)
def test_the_banner_of_an_unverified_server_has_no_control_characters(
    cluster: Cluster, text: bytes
) -> None:
    with speaking(text) as port:
        cluster.inventory["nodes"][1]["ssh"] = {"host": "127.0.0.1", "port": port}
        cluster.inventory["ssh"]["connect_timeout"] = 2
        result = cluster.run("check")
    assert result.code == 3
    assert [c for c in CONTROLS if c in result.out + result.err] == []


def test_a_value_of_the_inventory_is_shown_without_controls(cluster: Cluster) -> None:
    for value in ("n\x9b31m1", f"n{OSC}"):
        cluster.inventory["nodes"][0]["name"] = value
        result = cluster.run("check")
        assert result.code == 2
        assert [c for c in CONTROLS if c in result.out + result.err] == []


def test_long_lines_and_secrets_in_a_file_of_a_node_are_not_printed(
    served: Cluster, tmp_path: Path
) -> None:
    secrets = (
        "http-check send hdr Authorization 'Basic c2VjcmV0MQ=='",
        "http-request set-header Cookie session=secret2",
        "curl -u user:secret3 https://x",
        "passphrase secret4",
        "AWS_SECRET_ACCESS_KEY=secret5",
    )
    added = "".join(f"# {line}\n" for line in (*secrets, "secret6 password " * 1_500))
    served.lab.exec("n3", ["sh", "-c", f"cat >>{ROOT}/haproxy/haproxy.cfg"], input=added)
    try:
        began = time.monotonic()
        said = "".join(shown(served.run(command)) for command in ("status", "plan"))
        assert time.monotonic() - began < 20
        served.run("support", "-o", str(tmp_path / "support"))
        packed = b"".join(file.read_bytes() for file in unpacked(tmp_path / "support", tmp_path))
        for number in range(2, 6):
            assert f"secret{number}" not in said
            assert f"secret{number}".encode() not in packed
        assert "c2VjcmV0MQ" not in said
        assert b"c2VjcmV0MQ" not in packed
    finally:
        served.up()


def unpacked(folder: Path, into: Path) -> list[Path]:
    """The files of the support archive in a folder."""
    (archive,) = [file for file in (folder, *folder.rglob("*")) if file.is_file()]
    target = into / "unpacked"
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return [file for file in target.rglob("*") if file.is_file()]


@pytest.mark.parametrize("command", ["images push", "images save", "support"])
def test_the_name_of_an_architecture_leads_to_no_file_here(
    served: Cluster, tmp_path: Path, command: str
) -> None:
    there = tmp_path / "there"
    for image in served.inventory["images"].values():
        image.pop("archive", None)
    with served.instead_of("n2", "uname", "-*", f"echo n2 ../../../../../../{there}/x; exit"):
        where = str(tmp_path / "out")
        result = served.run(command, *([] if "push" in command else ["-o", where]))
    assert "internal error" not in shown(result)
    assert not there.exists()
    assert [p for p in tmp_path.rglob("*x*") if p.is_file()] == []


@pytest.mark.parametrize("key", ["host", "jump"])
def test_a_host_name_with_shell_characters_runs_nothing_here(
    cluster: Cluster, tmp_path: Path, key: str
) -> None:
    trace = tmp_path / "trace"
    config = tmp_path / "config"
    config.write_text('Match exec "true %h %n %r"\n  User root\n')
    for value in (f"x;touch {trace}", f"$(touch${{IFS}}{trace})", f"-oProxyCommand=touch {trace}"):
        cluster.inventory["ssh"] |= {"config": str(config)}
        cluster.inventory["nodes"][0]["ssh"] = {key: value}
        result = cluster.run("check")
        assert result.code == 2
        assert f"ssh.{key}" in result.err
        assert not trace.exists()
