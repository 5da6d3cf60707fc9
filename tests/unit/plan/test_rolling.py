"""Whose turn is when: given these observations, expect these turns."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.desired.containers import removal_command
from hadeploy.errors import HadeployError
from hadeploy.plan.forgotten import incompatible_nodes
from hadeploy.plan.order import added_nodes, rolling_order
from hadeploy.plan.partial_rollout import refuse_minority, refuse_partial
from hadeploy.plan.rolling import interrupts_the_holder, make_plan
from hadeploy.plan.steps import Plan
from hadeploy.plan.vrrp_settings import NAMES
from tests.unit import builders
from tests.unit.nodes import Node

ROUTER = {"vrrp": {"virtual_router_id": 9}}


def planned(observed: dict[str, Node], **inventory: Any) -> Plan:
    cluster = builders.cluster(**inventory)
    return make_plan(cluster, builders.desired(cluster), observed)


def turns(plan: Plan) -> list[tuple[str, list[str]]]:
    return [(turn.node, [step.action for step in turn.steps]) for turn in plan.nodes]


def test_a_first_bring_up_is_of_all_nodes_at_once_and_the_best_has_the_vip_first() -> None:
    plan = planned({node: builders.empty(node) for node in ("n1", "n2", "n3")})
    (first, alone), *others = turns(plan)
    assert plan.parallel
    assert (first, alone[-1]) == ("n1", "write-record")
    for node, actions in others:
        held = ["hold", *alone[:-1], "await", "finish-handover", "write-record"]
        assert (node, actions) == (node, held)


@pytest.mark.parametrize("bent", [{"applied": None}, {"containers": ()}])
def test_with_an_existing_node_the_nodes_change_one_after_the_other(bent: dict[str, Any]) -> None:
    observed = {node: builders.empty(node) for node in ("n1", "n2", "n3")}
    observed["n3"] = builders.healthy(builders.cluster())["n3"].with_(**bent)
    assert not planned(observed).parallel


def test_a_part_of_the_nodes_is_not_brought_up_at_once() -> None:
    cluster = builders.cluster()
    observed = {node: builders.empty(node) for node in ("n1", "n2", "n3")}
    assert not make_plan(cluster, builders.desired(cluster), observed, only=["n2"]).parallel


def test_a_plan_names_the_programs_that_change() -> None:
    observed = builders.healthy(builders.cluster())
    assert planned(observed, haproxy={"maxconn": 700}).roles("n1") == {"haproxy"}
    assert planned(observed, **ROUTER).roles("n2") == {"keepalived"}
    assert planned(observed).roles("n1") == set()


def test_all_nodes_together_the_holder_between_holding_and_letting_go() -> None:
    plan = planned(builders.healthy(builders.cluster()), **ROUTER)
    held = ["hold", "write-file", "reload-container"]
    assert turns(plan) == [
        ("n2", held),
        ("n3", held),
        ("n1", ["pin", "write-file", "reload-container", "unpin", "write-record"]),
        ("n2", ["finish-handover", "write-record"]),
        ("n3", ["finish-handover", "write-record"]),
    ]
    assert plan.coordinated == ("virtual_router_id",)
    assert [turn.coordinated for turn in plan.nodes] == [True, True, True, False, False]
    assert "no interruption is expected" in plan.warnings[0]


def test_with_an_ipv6_vip_a_change_of_all_nodes_may_be_noticed() -> None:
    six = {"nodes": [{"name": f"n{i}", "address": f"2001:db8::1{i}"} for i in (1, 2, 3)]}
    vip = "2001:db8::100"
    observed = builders.healthy(builders.cluster(vip=vip, **six))
    assert len(planned(builders.healthy(builders.cluster()), **ROUTER).warnings) == 1
    assert "net.ipv6.conf.*.forwarding" in planned(observed, vip=vip, **six, **ROUTER).warnings[1]


FORGOTTEN = "198.51.100.14"


def with_forgotten(change: dict[str, Any]) -> Plan:
    """A plan of a cluster whose records name a forgotten node."""
    cluster = builders.cluster(**change)
    desired = {
        node: dataclasses.replace(wanted, forgotten=(FORGOTTEN,))
        for node, wanted in builders.desired(cluster).items()
    }
    return make_plan(cluster, desired, builders.healthy(builders.cluster()))


@pytest.mark.parametrize(
    ("vrrp", "setting"),
    [
        ({"virtual_router_id": 77}, "virtual_router_id"),
        ({"version": 3}, "VRRP version"),
        ({"mode": "multicast"}, "unicast or multicast"),
        ({"advert_interval": 2, "version": 2}, "advert interval"),
    ],
)
def test_a_plan_names_the_forgotten_nodes_that_are_no_peers_of_the_holder(
    vrrp: dict[str, Any], setting: str
) -> None:
    reported = with_forgotten({"vrrp": vrrp}).warnings[-1]
    assert reported.startswith(
        f"{FORGOTTEN} was forgotten but not stopped, and keeps the old {setting}"
    )
    assert "may take the VIP too" in reported
    assert reported.endswith(
        f"Before it is connected, run there: `{removal_command(builders.cluster())}`"
    )


def test_forgotten_nodes_do_not_hear_a_holder_with_other_settings() -> None:
    cluster = builders.cluster()
    wanted = {
        node: dataclasses.replace(state, forgotten=(FORGOTTEN,))
        for node, state in builders.desired(cluster).items()
    }
    assert incompatible_nodes(cluster, wanted, ["virtual_router_id"]) == [FORGOTTEN]
    assert incompatible_nodes(cluster, wanted, [NAMES["source"]]) == []


def test_other_changes_do_not_concern_forgotten_nodes() -> None:
    assert FORGOTTEN not in " ".join(with_forgotten({"haproxy": {"maxconn": 900}}).warnings)
    assert FORGOTTEN not in " ".join(
        planned(builders.healthy(builders.cluster()), **ROUTER).warnings
    )


def test_a_node_that_a_dead_run_still_holds_is_not_held_again() -> None:
    observed = builders.healthy(builders.cluster())
    done = builders.healthy(builders.cluster(**ROUTER))["n2"]
    observed["n2"] = done.with_track("handover")
    plan = planned(observed, **ROUTER)
    assert turns(plan)[0] == ("n2", [])
    assert turns(plan)[3] == ("n2", ["finish-handover", "write-record"])


def test_drained_nodes_are_released_before_any_step_that_can_fail() -> None:
    observed = builders.healthy(builders.cluster())
    for node in ("n2", "n3"):
        observed[node] = observed[node].with_track("handover")
    observed["n2"] = observed["n2"].with_(serving="another")
    assert [node for node, steps in turns(planned(observed)) if steps] == ["n3", "n2"]


@pytest.mark.parametrize("drained", [False, True])
def test_a_backup_in_fault_comes_first_unless_it_is_only_drained(drained: bool) -> None:
    observed = builders.healthy(builders.cluster())
    track = "1\n" if drained else "0\n"
    observed["n3"] = observed["n3"].in_state("FAULT").with_track("drain", track)
    plan = planned(observed, haproxy={"maxconn": 900})
    assert [turn.node for turn in plan.nodes][:2] == (["n2", "n3"] if drained else ["n3", "n2"])


def test_a_node_that_is_left_out_is_no_reason_to_write_records() -> None:
    cluster = builders.cluster()
    observed = builders.healthy(cluster)
    desired = builders.desired(cluster)
    two = {node: desired[node] for node in ("n1", "n2")}
    looks = {node: observed[node] for node in two}
    assert make_plan(cluster, two, looks).changes == 0


def test_without_a_holder_all_nodes_are_held_and_released() -> None:
    observed = builders.healthy(builders.cluster(), holder="nobody")
    plan = planned(observed, **ROUTER)
    assert [node for node, _ in turns(plan)] == ["n1", "n2", "n3", "n1", "n2", "n3"]


def test_containers_of_the_holder_are_not_replaced_while_all_others_are_held() -> None:
    image = {"images": {"haproxy": {"reference": "haproxy:3.4.2"}}}
    observed = builders.healthy(builders.cluster())
    assert interrupts_the_holder(planned(observed, **ROUTER, **image))
    assert not interrupts_the_holder(planned(observed, **image))
    assert not interrupts_the_holder(planned(observed, **ROUTER))


def test_a_removed_vip_is_reported() -> None:
    plan = planned(builders.healthy(builders.cluster()), vip="198.51.100.200")
    assert plan.removes == (
        "VIP 198.51.100.100 is removed (replaced by 198.51.100.200): its clients "
        "will get no answer.",
    )
    assert [turn.node for turn in plan.nodes if turn.holder] == ["n1"]


def test_an_address_that_only_another_nodes_record_calls_a_vip_makes_no_holder() -> None:
    observed = builders.healthy(builders.cluster())
    service = "198.51.100.77"
    observed["n2"] = observed["n2"].with_address(service)
    observed["n3"] = observed["n3"].with_record(vips=(builders.VIP, service))
    plan = planned(observed, haproxy={"maxconn": 700})
    assert [turn.node for turn in plan.nodes if turn.holder] == ["n1"]


def test_only_the_selected_nodes_change() -> None:
    cluster = builders.cluster(haproxy={"maxconn": 700})
    observed = builders.healthy(builders.cluster())
    plan = make_plan(cluster, builders.desired(cluster), observed, only=["n3"])
    assert [turn.node for turn in plan.nodes] == ["n3"]


@pytest.mark.parametrize(
    ("holding", "new", "order"),
    [
        ([], [], ["n1", "n2", "n3"]),
        (["n1"], [], ["n2", "n3", "n1"]),
        (["n2"], [], ["n1", "n3", "n2"]),
        (["n1"], ["n3"], ["n2", "n1", "n3"]),
        (["n3"], ["n1"], ["n2", "n3", "n1"]),
        (["n1", "n2"], [], ["n3", "n1", "n2"]),
    ],
)
def test_backups_then_the_holder_then_who_is_new(
    holding: list[str], new: list[str], order: list[str]
) -> None:
    assert rolling_order({"n1": 250, "n2": 240, "n3": 230}, holding, new) == order


def test_who_is_new() -> None:
    addresses = {node: f"198.51.100.1{node[1:]}" for node in ("n1", "n2", "n3", "n4")}
    observed = builders.healthy(builders.cluster())
    assert added_nodes(addresses, {**observed, "n4": builders.empty("n4")}) == ["n4"]
    assert added_nodes(addresses, {node: builders.empty(node) for node in addresses}) == []
    gone = {**observed, "n2": builders.empty("n2"), "n4": builders.empty("n4")}
    assert added_nodes(addresses, gone) == ["n4"], "its peers still know n2"


def test_a_node_that_only_some_records_name_is_still_new() -> None:
    four = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3, 4)]
    larger = builders.healthy(builders.cluster(nodes=four))
    addresses = {str(node["name"]): str(node["address"]) for node in four}
    # The run died when n1 had the new peers, and n2 and n3 had not.
    observed = {**builders.healthy(builders.cluster()), "n1": larger["n1"]}
    assert added_nodes(addresses, {**observed, "n4": builders.empty("n4")}) == ["n4"]
    assert added_nodes(addresses, larger) == []


def test_what_needs_all_nodes_is_refused_for_some() -> None:
    observed = builders.healthy(builders.cluster())
    refuse_partial(builders.cluster(**ROUTER), planned(observed, **ROUTER), observed, "")
    with pytest.raises(HadeployError, match="virtual_router_id must change on all nodes together"):
        refuse_partial(builders.cluster(**ROUTER), planned(observed, **ROUTER), observed, "--limit")
    more = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3, 4)]
    bigger = builders.cluster(nodes=more)
    with pytest.raises(HadeployError, match="nodes are added or removed"):
        refuse_partial(bigger, Plan(()), observed, "--limit")


def test_a_majority_takes_part() -> None:
    refuse_minority(builders.cluster(), [])
    refuse_minority(builders.cluster(), ["n1"])
    with pytest.raises(HadeployError, match="only 1 of 3 nodes"):
        refuse_minority(builders.cluster(), ["n1", "n2"])
