"""`support` writes one archive with diagnostics and without secrets."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pytest

from tests.lab.harness import ROOT, Cluster
from tests.lab.sabotage import CFG

CANARY = "can4ry#x"
OTHER = "c0al-m1ne-shaft"


def read(path: Path) -> dict[str, str]:
    """The files in it, by their name below its one folder."""
    with tarfile.open(path) as archive:
        return {
            entry.name.partition("/")[2]: content.read().decode()
            for entry in archive
            if (content := archive.extractfile(entry))
        }


def test_it_has_all_of_every_node_and_no_secret(
    served: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.inventory["vrrp"] = {**served.inventory.get("vrrp", {}), "password": "env:CANARY"}
    monkeypatch.setenv("CANARY", CANARY)
    served.ok("up")
    n1 = served.lab.nodes[0]
    served.node(n1, f"sed -i '/stats enable/a\\    stats auth admin:{OTHER}' {CFG}")
    served.node(n1, f"cp {CFG} {ROOT}/haproxy/mine.cfg")
    path = served.folder / "s.tar.gz"
    state = served.snapshot()
    result = served.ok("support", "-o", str(path))
    assert served.snapshot() == state
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in served.folder.glob("*s.tar*")] == ["s.tar.gz"]
    files = read(path)
    for secret in (CANARY, OTHER):
        assert secret not in result.out + result.err
        assert [name for name, text in files.items() if secret in text] == []
    assert "auth_pass (redacted)" in files[f"nodes/{n1}/keepalived.conf"]
    assert "stats auth (redacted)" in files[f"nodes/{n1}/haproxy.cfg"]
    assert json.loads(files["inventory.json"])["vrrp"]["password"] == "env:CANARY"
    for node in served.lab.nodes:
        assert json.loads(files[f"nodes/{node}/inspect.json"])
        assert json.loads(files[f"nodes/{node}/applied.json"])["members"]
        assert "State = " in files[f"nodes/{node}/keepalived.data"]
        assert "Advertisements:" in files[f"nodes/{node}/keepalived.stats"]
        for log in ("haproxy.log", "keepalived.log"):
            assert files[f"nodes/{node}/{log}"].strip()
        assert "eth0" in files[f"nodes/{node}/network.txt"]
        assert ":9443" in files[f"nodes/{node}/sockets.txt"]
        assert "Linux" in files[f"nodes/{node}/versions.txt"]
    reported = json.loads(files["result.json"])
    assert {c["verdict"] for c in reported["checks"]} == {"pass"}
    assert reported["proofs"]
    assert reported["plan"]
    assert "Review it before you send it" in result.out
    assert "Review it before you send it" in files["README.txt"]


def test_an_unreachable_node_is_missing_and_reported(served: Cluster) -> None:
    served.inventory["nodes"][1]["ssh"] = {"port": 1}
    path = served.folder / "s.tar.gz"
    result = served.ok("support", "--json", "-o", str(path))
    document = result.document
    assert document["archive"] == str(path)
    assert [error["node"] for error in document["errors"]] == ["n2"]
    files = read(path)
    assert "Missing: n2: " in files["README.txt"]
    assert {name.split("/")[1] for name in files if "/" in name} == {"n1", "n3"}
    reported = json.loads(files["result.json"])
    assert reported["proofs"]
    assert reported["diagnosis"][0]["cause"] == "node-unreachable"


def test_a_missing_folder_is_reported_at_once(served: Cluster) -> None:
    result = served.run("support", "-o", "/nowhere/s.tar.gz")
    assert result.code == 2
    assert "writing the archive: /nowhere/s.tar.gz: no such folder" in result.err
