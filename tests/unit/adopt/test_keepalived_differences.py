"""Settings of a node's keepalived that adoption would drop are reported, statement by statement."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.adopt.classic import Classic, read_classic
from hadeploy.adopt.keepalived_differences import judge_keepalived, keepalived_differences
from hadeploy.adopt.report import Verdict
from hadeploy.config_files.keepalived import Statement
from hadeploy.inventory.cluster import Cluster
from tests.unit import builders
from tests.unit.adopt import classic_nodes
from tests.unit.adopt.hints import BASE, loaded, pasted

TEMPLATE = "the inventory has no key for it; use your own template: templates.folder"

# From the manual page: what an instance may have besides.
RICH = """\
global_defs {
   router_id lb1
   notification_email {
     ops@example.org
   }
   smtp_server 192.0.2.25
   vrrp_garp_master_refresh 30
   vrrp_garp_master_delay 1
   script_user root
   enable_script_security
}
vrrp_track_process haproxy {
   process haproxy
   weight 10
}
vrrp_script chk {
   script "/usr/bin/pgrep haproxy"
   interval 1
   fall 3
   rise 2
   weight 21
   init_fail
}
vrrp_script unused {
   script "/bin/false"
}
vrrp_instance VI_1 {
   interface eth0
   state MASTER
   virtual_router_id 51
   priority 100
   advert_int 1
   nopreempt
   preempt_delay 30
   dont_track_primary
   garp_master_delay 5
   smtp_alert
   accept
   debug 2
   track_interface {
      eth0
      eth1 weight -20
   }
   track_process {
      haproxy
   }
   track_script {
      chk weight 21
   }
   unicast_src_ip 198.19.122.11
   unicast_peer {
      198.19.122.12
      198.19.122.13 min_ttl 250
   }
   authentication {
      auth_type PASS
      auth_pass canary
   }
   virtual_ipaddress {
      198.19.122.100/24 dev eth0 label eth0:1
   }
   notify_master "/root/master.sh canary"
   frobnicate yes
}
"""


def classics(text: str) -> dict[str, Classic]:
    """Three nodes with that configuration and different priorities."""
    one = read_classic(text)
    priorities = enumerate((100, 90, 80), 1)
    return {f"n{i}": dataclasses.replace(one, priority=p) for i, p in priorities}


def judged(
    cluster: Cluster, found: dict[str, Classic]
) -> tuple[list[tuple[Statement, Verdict]], dict[str, str]]:
    ours = builders.desired(cluster)["n1"].file("keepalived/keepalived.conf").content
    verdicts, differences = judge_keepalived(cluster, "n1", found, ours)
    return verdicts, {d.what: d.key for d in differences}


def reported(text: str, **inventory: Any) -> dict[str, str]:
    return judged(classic_nodes.inventory(**inventory), classics(text))[1]


def recipe() -> str:
    return classic_nodes.by_hand("multicast-n1").keepalived.config.decode()


def test_the_differences_of_a_real_file_are_reported_with_their_keys() -> None:
    found = reported(recipe())
    script = "keepalived: notify /container/service/keepalived/assets/notify.sh"
    assert found == {
        "virtual_router_id 51 becomes 53": "vrrp: {virtual_router_id: 51}",
        "transport multicast becomes unicast": "vrrp: {mode: multicast}",
        "preemption on becomes off": "vrrp: {preempt: true}",
        "on a failed check weight becomes fault": (
            "vrrp: {preempt: true, on_check_failure: weight}"
        ),
        "priority of n1 100 becomes 250": (
            "nodes: [{address: 198.19.122.11, priority: 100}, "
            "{address: 198.19.122.12, priority: 90}, {address: 198.19.122.13, priority: 80}]"
        ),
        "its password (auth_pass) is removed": 'vrrp: {password: "env:VRRP_PASSWORD"}',
        "keepalived: check chk_haproxy: hadeploy uses its own check of haproxy": (
            "vrrp.check sets its timing"
        ),
        "keepalived: check chk_haproxy: interval 2 becomes 1": "vrrp: {check: {interval: 2}}",
        f"{script}: hadeploy runs no notify script": (
            "the file is kept in adopted/; your own template can run it: templates.folder"
        ),
    }
    assert classic_nodes.PASSWORD not in str(found)


def test_everything_an_instance_has_is_reported() -> None:
    found = reported(RICH)
    lost = {what for what, key in found.items() if key == TEMPLATE}
    assert lost == {
        "keepalived: notification_email: ops@example.org",
        "keepalived: smtp_server 192.0.2.25",
        "keepalived: vrrp_garp_master_refresh 30",
        "keepalived: vrrp_track_process haproxy: process haproxy",
        "keepalived: vrrp_track_process haproxy: weight 10",
        "keepalived: check chk: init_fail",
        "keepalived: preempt_delay 30",
        "keepalived: dont_track_primary",
        "keepalived: garp_master_delay 5",
        "keepalived: smtp_alert",
        "keepalived: track_interface: eth1 weight -20",
        "keepalived: track_process: haproxy",
        "keepalived: unicast_peer: 198.19.122.13 min_ttl 250",
        "keepalived: VIP 198.19.122.100/24: label eth0:1",
        "keepalived: frobnicate yes",
    }
    assert found["VIP 198.19.122.100/24 becomes 198.19.122.100/32"] == ("vip: 198.19.122.100/24")
    assert found["keepalived: check chk: fall 3 becomes 1"] == "vrrp: {check: {fall: 3}}"
    assert any(what.startswith("keepalived: notify_master /root/master.sh") for what in found)
    assert "unused" not in str(found), "nothing tracks it"
    assert "canary" not in str(found).replace("master.sh canary", "")


@pytest.mark.parametrize("text", [recipe(), RICH])
def test_every_hint_can_be_pasted_and_then_its_difference_is_gone(text: str) -> None:
    ours = builders.desired(loaded(BASE))["n1"].file("keepalived/keepalived.conf").content
    found = keepalived_differences(loaded(BASE), "n1", classics(text), ours)
    hints = {d.what: d.key for d in found if d.keep is not None}
    assert hints
    for what, hint in hints.items():
        assert what not in judged(loaded(pasted(BASE, [hint])), classics(text))[1], hint
    every = judged(loaded(pasted(BASE, hints.values())), classics(text))[1]
    assert not every.keys() & hints.keys()


def test_an_inventory_of_the_same_settings_leaves_the_scripts() -> None:
    nodes = [
        {"name": f"n{i}", "address": f"198.19.122.1{i}", "priority": 110 - 10 * i}
        for i in (1, 2, 3)
    ]
    vrrp = {
        "virtual_router_id": 51,
        "mode": "multicast",
        "preempt": True,
        "on_check_failure": "weight",
        "weight": 21,
        "password": "env:X",
        "check": {"interval": 2},
    }
    assert [what.split(":")[1] for what in reported(recipe(), nodes=nodes, vrrp=vrrp)] == [
        " check chk_haproxy",
        " notify /container/service/keepalived/assets/notify.sh",
    ]
    heavier = recipe().replace("weight 21", "weight 30")
    assert reported(heavier, nodes=nodes, vrrp=vrrp)["weight 30 becomes 21"] == "vrrp: {weight: 30}"


def test_every_statement_is_judged() -> None:
    for text in (recipe(), RICH):
        found = classics(text)
        verdicts, _ = judged(classic_nodes.inventory(), found)
        seen = {id(statement) for statement, _ in verdicts}
        statements = [s for s in found["n1"].tree.walk() if s.words]
        assert [s.words for s in statements if id(s) not in seen] == []


def test_an_unknown_keyword_is_reported_in_every_place() -> None:
    for at, line in enumerate(RICH.splitlines()):
        if line.strip().startswith(("notification", "ops@", "}", "script", "process")):
            continue
        lines = RICH.splitlines()
        lines.insert(at, "zzz here")
        verdicts, found = judged(classic_nodes.inventory(), classics("\n".join(lines)))
        (verdict,) = {v for s, v in verdicts if s.words == ("zzz", "here")}
        if verdict is Verdict.REPORTED:
            assert any("zzz" in what for what in found), line
        else:
            assert verdict is Verdict.NO_EFFECT
