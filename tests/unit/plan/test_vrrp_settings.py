"""Which keepalived settings all nodes must share."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.desired import layout
from hadeploy.observe.observed_node import ObservedFile
from hadeploy.plan.vrrp_settings import cluster_wide, settings_of, with_running_settings
from tests.unit import builders


def conf(**inventory: Any) -> str:
    cluster = builders.cluster(**inventory)
    return builders.desired(cluster)["n1"].file(layout.KEEPALIVED_CONF).content


def test_the_configuration_of_hadeploy() -> None:
    found = settings_of(conf(vrrp={"virtual_router_id": 7, "advert_interval": 2}))
    assert (found.virtual_router_id, found.version, found.advert_interval) == (7, 2, 2.0)
    assert (found.mode, found.interface, found.source) == ("unicast", "eth0", "198.51.100.11")
    assert found.vips == (builders.VIP,)
    assert found.password is None


def test_a_password_with_comment_signs_is_read_whole_and_not_shown() -> None:
    secret = 'authentication {\n auth_type PASS\n auth_pass "a#b!c"\n}'
    text = conf().replace("advert_int 1", f"advert_int 1\n{secret}", 1)
    assert settings_of(text).password == "a#b!c"
    assert "a#b!c" not in repr(settings_of(text))


def test_comments_are_ignored() -> None:
    lines = "# virtual_router_id 9\nvirtual_router_id 8 ! not 9"
    assert settings_of(f"vrrp_instance a {{\n{lines}\n}}\n").virtual_router_id == 8


@pytest.mark.parametrize("number", ["x", "nan", "inf", "1e999"])
def test_what_is_no_number_is_unlike_any(number: str) -> None:
    text = f"vrrp_instance a {{\nvirtual_router_id {number}\n}}\n"
    assert settings_of(text).virtual_router_id == 0


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"vrrp": {"virtual_router_id": 9}}, ("virtual_router_id",)),
        ({"vrrp": {"advert_interval": 3}}, ("advert interval",)),
        ({"vrrp": {"version": 3}}, ("VRRP version",)),
        ({"vrrp": {"mode": "multicast"}}, ("unicast or multicast",)),
        ({"vip": ["198.51.100.100", "198.51.100.101"]}, ("VIP list",)),
        ({"vip": ["198.51.100.100", "2001:db8::100"]}, ()),
        ({"vip": ["2001:db8::100", "198.51.100.100"]}, ()),
        ({"vrrp": {"preempt": True}}, ()),
        ({"vrrp": {"check": {"rise": 3}}}, ()),
        ({"haproxy": {"maxconn": 700}}, ()),
        ({"vrrp": {"virtual_router_id": 9, "version": 3}}, ("virtual_router_id", "VRRP version")),
    ],
)
def test_what_changes_on_all_nodes_together(change: dict[str, Any], names: tuple[str, ...]) -> None:
    wanted = builders.desired(builders.cluster(**change))
    assert cluster_wide(wanted, builders.healthy(builders.cluster())) == names


def test_a_file_that_is_not_proven_to_be_loaded_says_nothing() -> None:
    observed = builders.healthy(builders.cluster())
    vrrp = observed["n1"].vrrp
    assert vrrp is not None
    other = dataclasses.replace(vrrp, config_id="another")
    looks = {**observed, "n1": dataclasses.replace(observed["n1"], vrrp=other)}
    wanted = builders.desired(builders.cluster())
    assert cluster_wide(wanted, looks) == ("virtual_router_id",)
    assert with_running_settings(builders.cluster(), looks) is None
    silent = {**observed, "n1": dataclasses.replace(observed["n1"], vrrp=None)}
    assert cluster_wide(wanted, silent) == (), "a slow node is no reason to hold all others"
    held = ObservedFile("track/handover", 0o644, "0:0", b"1\n")
    files = tuple(f for f in observed["n2"].files if f.path != held.path)
    silent["n2"] = dataclasses.replace(observed["n2"], files=(*files, held))
    assert cluster_wide(wanted, silent) == ("virtual_router_id",)


def test_a_priority_is_a_nodes_own() -> None:
    nodes = [
        {"name": f"n{i}", "address": f"198.51.100.1{i}", "priority": 90 + i} for i in (1, 2, 3)
    ]
    wanted = builders.desired(builders.cluster(nodes=nodes))
    assert cluster_wide(wanted, builders.healthy(builders.cluster())) == ()


def test_nothing_is_cluster_wide_on_empty_nodes() -> None:
    wanted = builders.desired(builders.cluster(vrrp={"virtual_router_id": 9}))
    assert cluster_wide(wanted, {node: builders.empty(node) for node in wanted}) == ()


def test_the_inventory_with_the_vrrp_settings_of_the_nodes() -> None:
    new = builders.cluster(vrrp={"virtual_router_id": 9, "version": 3, "preempt": True})
    found = with_running_settings(new, builders.healthy(builders.cluster()))
    assert found is not None
    before, password = found
    assert (before.vrrp.virtual_router_id, before.vrrp.version) == (53, 2)
    assert before.vrrp.preempt, "what is not cluster-wide is the inventory's"
    assert password is None
    assert cluster_wide(builders.desired(before), builders.healthy(builders.cluster())) == ()


def test_the_vip_of_the_other_family_is_each_nodes_own_matter() -> None:
    new = builders.cluster(vip=["198.51.100.101", "2001:db8::100"])
    found = with_running_settings(new, builders.healthy(builders.cluster()))
    assert found is not None
    assert [str(vip.ip) for vip in found[0].vip] == [builders.VIP, "2001:db8::100"]
    nodes = [{"name": f"n{i}", "address": f"2001:db8::1{i}"} for i in (1, 2, 3)]
    six = builders.cluster(vip="2001:db8::100", nodes=nodes)
    assert with_running_settings(six, builders.healthy(builders.cluster())) is None


def test_nodes_with_different_vrrp_settings_have_no_common_settings() -> None:
    observed = builders.healthy(builders.cluster())
    other = builders.healthy(builders.cluster(vrrp={"virtual_router_id": 9}))
    assert with_running_settings(builders.cluster(), {**observed, "n2": other["n2"]}) is None
