"""The changes to measure, as data.

A round makes the change and the next one reverts it, so both directions are measured.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hadeploy.lab.images.store import ensure_image

Inventory = dict[str, Any]

NEW_HAPROXY = "haproxy:3.0.11"
NEW_KEEPALIVED = "osixia/keepalived:2.3.3"
# For the inventory's `env:` reference.
PASSWORD_VARIABLE = "AVAILABILITY_VRRP_PASSWORD"


@dataclass(frozen=True)
class Scenario:
    """A change to make under traffic.

    Args:
        name: for the command line.
        title: for the table.
        group: `control`, `node` (a setting of single nodes) or `cluster-wide` (a shared setting).
        reload: whether it is a reload, which must not break long-lived connections.
        edit: changes the inventory of the lab.
        commands: of hadeploy, with `{holder}` for the node that has the VIP.
        by_hand: whether each round starts from a cluster that was set up by hand.
        peer: the changed environment of the jobs of other tools; None if they do not support it.
    """

    name: str
    title: str
    group: str = "node"
    reload: bool = False
    edit: Callable[[Inventory], None] = lambda _: None
    commands: tuple[tuple[str, ...], ...] = (("up",),)
    by_hand: bool = False
    peer: Mapping[str, str] | None = field(default=None, hash=False)


def _image(role: str, reference: str) -> Callable[[Inventory], None]:
    def edit(inventory: Inventory) -> None:
        inventory["images"][role] = {
            "reference": reference,
            "archive": str(ensure_image(reference)),
        }

    return edit


def _vrrp(**settings: object) -> Callable[[Inventory], None]:
    return lambda inventory: inventory.update(vrrp={**inventory.get("vrrp", {}), **settings})


def _priorities(*priorities: int) -> Callable[[Inventory], None]:
    def edit(inventory: Inventory) -> None:
        for node, priority in zip(inventory["nodes"], priorities, strict=True):
            node["priority"] = priority

    return edit


def _second_vip(inventory: Inventory) -> None:
    first = ipaddress.ip_address(inventory["vip"])
    inventory["vip"] = [str(first), str(first + 1)]


SCENARIOS = (
    Scenario("control", "nothing", "control", reload=True, commands=(), peer={}),
    Scenario(
        "haproxy-config",
        "haproxy setting",
        reload=True,
        edit=lambda inventory: inventory.update(listeners=[{"balance": "roundrobin"}]),
        peer={"PEER_BALANCE": "leastconn"},
    ),
    Scenario(
        "priorities",
        "keepalived priorities",
        reload=True,
        edit=_priorities(245, 235, 225),
        peer={"PEER_PRIORITY": "95"},
    ),
    Scenario(
        "haproxy-image",
        "haproxy image",
        edit=_image("haproxy", NEW_HAPROXY),
        peer={"PEER_HAPROXY_IMAGE": NEW_HAPROXY},
    ),
    Scenario(
        "keepalived-image",
        "keepalived image",
        edit=_image("keepalived", NEW_KEEPALIVED),
        peer={"PEER_KEEPALIVED_IMAGE": NEW_KEEPALIVED},
    ),
    Scenario(
        "drain",
        "drain and undrain of the VIP holder",
        commands=(("drain", "{holder}"), ("undrain", "{holder}")),
    ),
    # While nodes differ in these settings, they ignore each other's adverts.
    Scenario("router-id", "virtual_router_id", "cluster-wide", edit=_vrrp(virtual_router_id=77)),
    Scenario(
        "password",
        "VRRP password",
        "cluster-wide",
        edit=_vrrp(password=f"env:{PASSWORD_VARIABLE}"),
    ),
    Scenario("advert-interval", "advert interval", "cluster-wide", edit=_vrrp(advert_interval=2)),
    Scenario("multicast", "unicast to multicast", "cluster-wide", edit=_vrrp(mode="multicast")),
    Scenario("vip-added", "a second VIP", "cluster-wide", edit=_second_vip),
    Scenario(
        "adopt",
        "taking over a cluster set up by hand",
        "adopt",
        commands=(("up", "--adopt"),),
        by_hand=True,
    ),
)
GROUPS = tuple(dict.fromkeys(scenario.group for scenario in SCENARIOS))


def chosen(words: tuple[str, ...]) -> list[Scenario]:
    """The scenarios with these names or groups, in the order of the list; all without words.

    Raises:
        ValueError: a word is unknown.
    """
    known = {*GROUPS, *(scenario.name for scenario in SCENARIOS)}
    if unknown := [word for word in words if word not in known]:
        raise ValueError(f"unknown {unknown[0]}; valid: {', '.join(sorted(known))}")
    return [s for s in SCENARIOS if not words or s.name in words or s.group in words]
