"""`up` on real nodes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually


def test_plan_changes_nothing_and_reports_changes(fresh: Cluster) -> None:
    before = fresh.snapshot()
    result = fresh.run("plan", "--json", "--exit-code")
    assert result.code == 5
    assert [node["node"] for node in result.document["plan"]] == ["n1", "n2", "n3"]
    assert fresh.snapshot() == before


def test_a_fresh_up_ends_with_a_proven_cluster(fresh: Cluster) -> None:
    document = fresh.up()
    assert document["exit_code"] == 0
    assert document["changes"] > 0
    assert {p["verdict"] for p in document["proofs"]} == {"pass"}
    assert document["vip_wait_seconds"] > 0, "an election takes its time"
    assert fresh.holders() == ["n1"], "the preferred node starts with the VIP"
    assert fresh.request() in fresh.lab.nodes


def test_a_second_up_touches_nothing(served: Cluster) -> None:
    before, containers = served.snapshot(), served.containers()
    result = served.ok("up")
    assert "No changes" in result.err
    assert served.up()["changes"] == 0
    assert served.containers() == containers
    assert served.snapshot() == before
    assert served.run("plan", "--exit-code").code == 0


def test_the_files_on_the_nodes_are_the_rendered_ones(served: Cluster, tmp_path: Path) -> None:
    served.ok("render", "--output", str(tmp_path / "rendered"))
    for node in served.lab.nodes:
        rendered = sorted(p for p in (tmp_path / "rendered" / node).rglob("*") if p.is_file())
        assert [str(p.relative_to(tmp_path / "rendered" / node)) for p in rendered] == [
            "haproxy/haproxy.cfg",
            "keepalived/check-haproxy.sh",
            "keepalived/keepalived.conf",
        ]
        for path in rendered:
            there = f"{ROOT}/{path.relative_to(tmp_path / 'rendered' / node)}"
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert served.node(node, f"sha256sum {there}") == f"{digest}  {there}"
            mode = f"{path.stat().st_mode & 0o777:o}"
            assert served.node(node, f"stat -c '%a %U' {there}") == f"{mode} root"


def test_an_unreachable_node_means_that_nothing_is_touched_anywhere(served: Cluster) -> None:
    served.inventory["haproxy"] = {"maxconn": 4000}
    served.inventory["ssh"]["connect_timeout"] = 2
    before = served.snapshot()
    served.lab.link("n3", up=False)
    try:
        result = served.run("up", "--json")
    finally:
        served.lab.link("n3", up=True)
    assert result.code == 3
    assert [error["node"] for error in result.document["errors"]] == ["n3"]
    assert "n3: connecting to root@" in result.err
    assert served.snapshot() == before


def test_a_changed_setting_reloads_and_recreates_nothing(served: Cluster) -> None:
    ids = {node: text.split()[0] for node, text in served.containers().items()}
    served.inventory["listeners"] = [{"maxconn": 2500}]
    document = served.up()
    steps = {step["action"] for node in document["plan"] for step in node["steps"]}
    assert steps == {"write-file", "reload-container", "write-record"}
    assert [node["node"] for node in document["plan"]][-1] == served.holders()[0]
    assert {node: text.split()[0] for node, text in served.containers().items()} == ids


def test_a_container_removed_by_hand_is_created_again(served: Cluster) -> None:
    served.node("n2", f"docker stop --time 2 {HAPROXY} && docker rm {HAPROXY}")
    document = served.up()
    changed = [node["node"] for node in document["plan"] if node["steps"]]
    assert changed == ["n2"]


def test_a_taken_port_is_reported_with_its_owner_and_nothing_changes(fresh: Cluster) -> None:
    fresh.node(
        "n2", "setsid python3 -m http.server 9443 >/dev/null 2>&1 & echo $! >/run/squatter.pid"
    )
    try:
        eventually(
            lambda: fresh.node("n2", "ss -Hltn sport = :9443", check=False), "n2's port is taken"
        )
        before = fresh.snapshot()
        result = fresh.run("up", "--json")
        assert result.code == 3
        (error,) = result.document["errors"]
        assert error["node"] == "n2"
        assert error["message"].startswith("port 9443 is taken by python3 (pid ")
        # It blocks `up`, but not read-only commands.
        assert ("n2", "port-listens") in fresh.run("verify", "--json", "--timeout", "0").failures()
        assert fresh.snapshot() == before
    finally:
        fresh.node("n2", "kill $(cat /run/squatter.pid)")
        eventually(
            lambda: not fresh.node("n2", "ss -Hltn sport = :9443", check=False), "n2's port is free"
        )


def test_a_configuration_that_haproxy_refuses_stops_before_the_swap(served: Cluster) -> None:
    before = served.snapshot()
    served.inventory["templates"] = {"extra": {"defaults": "frobnicate on"}}
    for command in ("plan", "up"):
        result = served.run(command)
        assert result.code == 1
        assert "haproxy refuses the new configuration" in result.err
        assert "| line " in result.err
        assert "unknown keyword 'frobnicate'" in result.err
        assert served.snapshot() == before
    assert served.request() in served.lab.nodes


def test_bad_input_is_reported_with_its_place_and_no_traceback(served: Cluster) -> None:
    served.inventory["nodes"][1]["adress"] = "198.51.100.12"
    result = served.run("up")
    assert result.code == 2
    assert "inventory.yaml:" in result.err
    assert "did you mean 'address'" in result.err
    assert "Traceback" not in result.err


def test_a_renamed_container_takes_the_old_ones_place(served: Cluster) -> None:
    served.inventory["containers"] = {"haproxy": "edge-haproxy"}
    served.up()
    for node in served.lab.nodes:
        names = set(served.node(node, "docker ps --all --format '{{.Names}}'").split())
        assert names == {"edge-haproxy", KEEPALIVED}
    assert served.up()["changes"] == 0
    served.ok("down", "--yes")


def test_an_image_named_in_full_is_the_same_image(served: Cluster) -> None:
    image = served.inventory["images"]["haproxy"]
    image["reference"] = f"docker.io/library/{image['reference']}"
    # Other words for the same image: the containers' specification changes once, and then no more.
    served.up()
    assert served.up()["changes"] == 0


def test_a_run_that_died_before_its_record_is_finished(served: Cluster) -> None:
    served.node("n2", f"sed -i 's/{served.lab.vip}/198.51.100.9/' {ROOT}/applied.json")
    steps = [s["action"] for n in served.up()["plan"] for s in n["steps"]]
    assert steps == ["write-record"]
    assert served.lab.vip in served.node("n2", f"cat {ROOT}/applied.json")


def test_a_node_taken_out_of_the_inventory_is_not_left_to_itself(served: Cluster) -> None:
    former = served.inventory["nodes"].pop()
    before = served.snapshot()
    result = served.run("up")
    assert result.code == 3
    assert f"{former['address']} was a node of this cluster" in result.err
    assert served.snapshot() == before
    served.lab.stop_node(former["name"])
    served.ok("up", "--forget", former["address"])
    assert served.up()["changes"] == 0


def test_a_folder_that_was_deleted_under_a_container_is_mended(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    served.node(other, f"rm -rf {ROOT}")
    served.up()
    assert served.up()["changes"] == 0


def test_a_paused_container_goes_on(served: Cluster) -> None:
    (holder,) = served.holders()
    other = next(node for node in served.lab.nodes if node != holder)
    served.node(other, f"docker pause {HAPROXY}")
    document = served.up()
    assert [n["node"] for n in document["plan"] if n["steps"]] == [other]


def test_a_missing_key_is_reported(served: Cluster) -> None:
    served.inventory["ssh"]["identity_file"] = "absent_key"
    result = served.run("plan")
    assert result.code == 2
    assert "absent_key: no such file" in result.err
