"""VRRP settings that make nodes strangers to each other change on all of them together."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from hadeploy.desired.folders import shipped_templates
from hadeploy.desired.layout import IN_KEEPALIVED
from hadeploy.lab.images.store import ensure_image
from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually
from tests.lab.traffic import probing

SECRET = "cmd:echo s3cret"
CHECK = f"docker exec {KEEPALIVED} {IN_KEEPALIVED}/check-haproxy.sh && echo healthy"


def states(cluster: Cluster) -> dict[str, str]:
    """The state of each node's keepalived in the last proof."""
    document = cluster.ok("verify", "--json").document
    said = {
        p["node"]: p["message"] for p in document["proofs"] if p["proof"] == "keepalived-agrees"
    }
    return {node: message.split()[2] for node, message in said.items()}


@pytest.mark.parametrize(
    ("vrrp", "setting"),
    [
        ({"virtual_router_id": 77}, "virtual_router_id"),
        ({"mode": "multicast"}, "unicast or multicast"),
        pytest.param({"version": 3}, "VRRP version", marks=pytest.mark.exhaustive),
        pytest.param({"advert_interval": 2}, "advert interval", marks=pytest.mark.exhaustive),
        pytest.param({"password": SECRET}, "authentication", marks=pytest.mark.exhaustive),
    ],
)
def test_a_setting_changes_without_a_failure(
    served: Cluster, vrrp: dict[str, Any], setting: str
) -> None:
    holders = served.holders()
    served.inventory["vrrp"] = vrrp
    with probing(served) as probe:
        document = served.up()
    assert document["together"] == [setting]
    assert probe.failed == []
    assert probe.done > 100
    assert served.holders() == holders
    assert served.up()["changes"] == 0
    assert sorted(states(served).values()) == ["BACKUP", "BACKUP", "MASTER"]


# What an administrator does who puts the node's interface into a bridge, and back.
TO_BRIDGE = """
    ip link add br0 address "$(cat /sys/class/net/eth0/address)" type bridge
    ip link set br0 up && ip link set eth0 master br0
    ip address del {0}/24 dev eth0 && ip address add {0}/24 dev br0
"""
FROM_BRIDGE = "ip link delete br0; ip address add {0}/24 dev eth0"


def test_an_interface_that_changed_under_us_is_followed(served: Cluster) -> None:
    addresses = {node: served.lab.address(node) for node in served.lab.nodes}
    try:
        for node, address in addresses.items():
            served.node(node, TO_BRIDGE.format(address))
        document = served.up()
        assert document["together"] == ["interface"]
        (holder,) = served.holders()
        where = served.node(holder, f"ip -o address show to {served.lab.vip}")
        assert " br0 " in where
        assert served.request()
        assert served.up()["changes"] == 0
    finally:
        served.run("down", "--yes")
        for node, address in addresses.items():
            served.node(node, FROM_BRIDGE.format(address), check=False)


def test_a_second_vip_is_added_and_removed_without_a_failure(served: Cluster) -> None:
    second = served.lab.vip.rpartition(".")[0] + ".101"
    served.inventory["vip"] = [served.lab.vip, second]
    with probing(served) as probe:
        document = served.up()
        assert document["together"] == ["VIP list"]
        assert served.holders(second) == served.holders()
        served.inventory["vip"] = served.lab.vip
        document = served.up()
    assert any(f"VIP {second} is removed" in sentence for sentence in document["removes"])
    assert probe.failed == []
    assert served.holders(second) == []


@pytest.mark.exhaustive
def test_with_a_new_image_the_containers_come_first(served: Cluster) -> None:
    newer = "haproxy:3.0.11"
    served.inventory["images"]["haproxy"] = {
        "reference": newer,
        "archive": str(ensure_image(newer)),
    }
    served.inventory["vrrp"] = {"virtual_router_id": 99}
    plan = served.ok("plan")
    assert "After that, virtual_router_id changes on all nodes together." in plan.out
    with probing(served) as probe:
        document = served.up()
    assert document["together"] == ["virtual_router_id"]
    assert probe.failed == []
    assert served.up()["changes"] == 0
    for node in served.lab.nodes:
        assert (
            served.node(node, f"docker inspect --format '{{{{.Config.Image}}}}' {HAPROXY}") == newer
        )


def failing_on(cluster: Cluster, node: str) -> None:
    """A keepalived.conf that is good, and keeps one node in FAULT."""
    shipped = (shipped_templates() / "keepalived.conf.j2").read_text()
    never = f"""{{% if node.label == "{node}" %}}vrrp_script never {{
    script "/bin/false"
    interval 1
}}
{{% endif %}}vrrp_instance"""
    own = shipped.replace("vrrp_instance", never, 1).replace(
        "        haproxy\n",
        f'        haproxy\n{{% if node.label == "{node}" %}}        never\n{{% endif %}}',
    )
    folder = cluster.folder / "templates"
    folder.mkdir()
    (folder / "keepalived.conf.j2").write_text(own)
    cluster.inventory["templates"] = {"folder": str(folder)}


def test_if_the_holder_fails_all_nodes_go_back(served: Cluster) -> None:
    (holder,) = served.holders()
    before = served.snapshot()
    failing_on(served, holder)
    served.inventory["vrrp"] = {"virtual_router_id": 88}
    with probing(served) as probe:
        result = served.run("up", "--json")
    assert result.code == 1
    assert probe.failed == []
    assert set(result.document["nodes"].values()) == {"restored"}
    assert served.holders() == [holder]
    for node, lines in served.snapshot().items():
        now = [line for line in lines.splitlines() if ".lock" not in line]
        assert [line for line in now if "/track/" not in line] == [
            line for line in before[node].splitlines() if "/track/" not in line
        ]
    served.inventory.pop("vrrp")
    served.inventory.pop("templates")
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
def test_a_holder_that_fails_and_cannot_go_back_leaves_the_vip_to_the_backups(
    served: Cluster,
) -> None:
    (holder,) = served.holders()
    served.inventory["vrrp"] = {"virtual_router_id": 89}
    damage = f"docker stop {HAPROXY} >/dev/null; echo >{ROOT}/.undo/keepalived/keepalived.conf"
    inject, _ = served.lab.exec_command(holder, ["sh", "-c", damage])
    moment = f"{holder} unpinning"
    result = served.accident(f"shell:{shlex.join(inject)}", moment, "up", "--json")
    assert result.code == 1, result.err
    nodes = result.document["nodes"]
    assert nodes.pop(holder) == "kept-off"
    assert set(nodes.values()) == {"restored"}
    eventually(served.request, "a backup has the VIP and serves")
    (now,) = served.holders()
    # With the new settings it receives no advert of the others.
    served.node(holder, f"docker start {HAPROXY}")
    eventually(lambda: served.node(holder, CHECK, check=False) == "healthy", "its check succeeds")
    assert served.node(holder, f"cat {ROOT}/track/handover") == "2"
    assert served.holders() == [now]
    served.up()
    assert served.up()["changes"] == 0


@pytest.mark.exhaustive
@pytest.mark.parametrize("which", [0, -1])
def test_a_backup_that_does_not_come_back_is_kept_off_the_vip(served: Cluster, which: int) -> None:
    (holder,) = served.holders()
    backup = [node for node in served.lab.nodes if node != holder][which]
    failing_on(served, backup)
    served.inventory["vrrp"] = {"virtual_router_id": 66}
    with probing(served) as probe:
        result = served.run("up", "--json")
    assert result.code == 1
    assert probe.failed == []
    assert result.document["nodes"][backup] == "kept-off"
    others = {state for node, state in result.document["nodes"].items() if node != backup}
    assert others == {"new"}, "the other backup is let go all the same"
    assert served.holders() == [holder]
    served.inventory.pop("templates")
    served.up()
    eventually(lambda: sorted(states(served).values()) == ["BACKUP", "BACKUP", "MASTER"], "healed")


@pytest.mark.parametrize("option", ["--limit", "--allow-degraded"])
def test_it_is_refused_for_some_nodes_only(served: Cluster, option: str) -> None:
    served.inventory["vrrp"] = {"virtual_router_id": 55}
    before = served.snapshot()
    result = served.run("up", option, "n2")
    assert result.code == 2
    assert "virtual_router_id must change on all nodes together" in result.err
    assert served.snapshot() == before
