"""No setting of haproxy, a listener or VRRP is accepted and then ignored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hadeploy.inventory.cluster import Cluster
from tests.unit import builders
from tests.unit.inventory.test_inventory_examples import keys_of_model

VALID = Path(__file__).parents[2] / "lab/valid_inventories.py"
SECTIONS = ("haproxy.", "listeners.", "vrrp.")
LISTENER = {"port": 9443, "backends": ["198.51.100.21"]}
HTTPS = {**LISTENER, "check": {"type": "https"}}
METRICS: dict[str, Any] = {"metrics": {"address": "127.0.0.1"}}

# Two values of each setting, as sections of an inventory.
TWO_VALUES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "haproxy.maxconn": ({}, {"maxconn": 900}),
    "haproxy.nbthread": ({}, {"nbthread": 3}),
    "haproxy.hard_stop_after": ({}, {"hard_stop_after": "2h"}),
    "haproxy.stop_timeout": ({}, {"stop_timeout": 31}),
    "haproxy.health_port": ({}, {"health_port": 19444}),
    "haproxy.metrics.address": (METRICS, {"metrics": {"address": "0.0.0.0"}}),
    "haproxy.metrics.port": (METRICS, {"metrics": {"address": "127.0.0.1", "port": 8405}}),
    "haproxy.log": ({}, {"log": "stderr"}),
    "haproxy.log_facility": ({}, {"log_facility": "local1"}),
    "listeners.name": (LISTENER, {**LISTENER, "name": "another"}),
    "listeners.port": (LISTENER, {**LISTENER, "port": 9444}),
    "listeners.backend_port": (LISTENER, {**LISTENER, "backend_port": 6444}),
    "listeners.backends.address": (LISTENER, {**LISTENER, "backends": ["198.51.100.22"]}),
    "listeners.backends.port": (LISTENER, {**LISTENER, "backends": ["198.51.100.21:6444"]}),
    "listeners.backends.name": (
        LISTENER,
        {**LISTENER, "backends": [{"address": "198.51.100.21", "name": "another"}]},
    ),
    "listeners.balance": (LISTENER, {**LISTENER, "balance": "roundrobin"}),
    "listeners.check.type": (LISTENER, HTTPS),
    "listeners.check.path": (HTTPS, {**LISTENER, "check": {"type": "https", "path": "/livez"}}),
    "listeners.check.interval": (LISTENER, {**LISTENER, "check": {"interval": "3s"}}),
    "listeners.check.timeout": (LISTENER, {**LISTENER, "check": {"timeout": "3s"}}),
    "listeners.check.fall": (LISTENER, {**LISTENER, "check": {"fall": 4}}),
    "listeners.check.rise": (LISTENER, {**LISTENER, "check": {"rise": 3}}),
    "listeners.timeouts.connect": (LISTENER, {**LISTENER, "timeouts": {"connect": "4s"}}),
    "listeners.timeouts.client": (LISTENER, {**LISTENER, "timeouts": {"client": "3h"}}),
    "listeners.timeouts.server": (LISTENER, {**LISTENER, "timeouts": {"server": "3h"}}),
    "listeners.maxconn": (LISTENER, {**LISTENER, "maxconn": 700}),
    "vrrp.failover": ({}, {"failover": "fast"}),
    "vrrp.virtual_router_id": ({}, {"virtual_router_id": 99}),
    "vrrp.version": ({}, {"version": 3}),
    "vrrp.advert_interval": ({}, {"advert_interval": 2}),
    "vrrp.mode": ({}, {"mode": "multicast"}),
    "vrrp.preempt": ({}, {"preempt": True}),
    "vrrp.preempt_delay": ({"preempt": True}, {"preempt": True, "preempt_delay": 60}),
    "vrrp.on_check_failure": ({}, {"on_check_failure": "weight"}),
    "vrrp.weight": ({"on_check_failure": "weight"}, {"on_check_failure": "weight", "weight": 99}),
    "vrrp.check.interval": ({}, {"check": {"interval": 2}}),
    "vrrp.check.timeout": ({}, {"check": {"timeout": 4}}),
    "vrrp.check.fall": ({}, {"check": {"fall": 3}}),
    "vrrp.check.rise": ({}, {"check": {"rise": 3}}),
}
# Its value is a secret of the run: tests/lab/test_secrets.py.
WITH_TESTS_OF_THEIR_OWN = {"vrrp.password"}


def leaves() -> Iterator[str]:
    keys = [key for key in keys_of_model(Cluster) if key.startswith(SECTIONS)]
    for key in keys:
        if not any(other.startswith(f"{key}.") for other in keys):
            yield key


def cluster(section: str, value: dict[str, Any]) -> Cluster:
    return builders.cluster(**{section: [value] if section == "listeners" else value})


def test_each_setting_has_two_values_here() -> None:
    assert set(TWO_VALUES) | WITH_TESTS_OF_THEIR_OWN == set(leaves())


@pytest.mark.parametrize("key", TWO_VALUES)
def test_each_setting_changes_what_a_node_gets(key: str) -> None:
    section = key.partition(".")[0]
    before, after = (cluster(section, value) for value in TWO_VALUES[key])
    assert builders.desired(before)["n1"] != builders.desired(after)["n1"]


@pytest.mark.parametrize("key", sorted(leaves()))
def test_each_setting_has_values_for_random_inventories(key: str) -> None:
    name = key.rpartition(".")[2]
    text = VALID.read_text()
    assert f"{name}=" in text or f'"{name}":' in text, f"add it to {VALID}"
