"""Which backends a node must still reach after a change."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import BackendServer
from hadeploy.plan.backends import changed_settings, check_seconds, expected_backends
from tests.unit import builders
from tests.unit.nodes import Node

BEFORE = "kube-apiserver-backend"
SERVED = [
    ":9443=:9443",
    f"{BEFORE}/={BEFORE}/",
    *(f"{BEFORE}/n{i}={BEFORE}/n{i}" for i in (1, 2, 3)),
]


def record(of: Cluster) -> Applied:
    """The record of a node on which that inventory was applied."""
    applied = builders.healthy(of)["n1"].applied
    assert applied is not None
    return dataclasses.replace(applied, inventory=of.model_dump(mode="json", by_alias=True))


def running(before: Cluster, *up: BackendServer) -> dict[str, Node]:
    """Healthy nodes on which an inventory was applied; the named backends instead of its own."""
    return {
        node: dataclasses.replace(look, applied=record(before), backends=up or look.backends)
        for node, look in builders.healthy(before).items()
    }


def words(after: Cluster, observed: dict[str, Node], node: str = "n2") -> list[str]:
    return sorted(backend.word for backend in expected_backends(after, observed, node))


def listener(**values: Any) -> Cluster:
    return builders.cluster(listeners=[values])


@pytest.mark.parametrize(
    "after",
    [listener(backend_port=6444), listener(check={"type": "https"})],
    ids=["another backend_port", "another check"],
)
def test_what_is_up_is_expected_under_its_name(after: Cluster) -> None:
    assert words(after, running(builders.cluster())) == SERVED


def test_another_port_has_to_serve_as_the_one_before() -> None:
    assert words(listener(port=8443), running(builders.cluster())) == [
        ":8443=:9443",
        *SERVED[1:],
    ]


def test_a_listener_with_a_new_name_is_known_by_its_port() -> None:
    after = listener(name="api")
    assert words(after, running(builders.cluster())) == [
        ":9443=:9443",
        f"api-backend/={BEFORE}/",
        *(f"api-backend/n{i}={BEFORE}/n{i}" for i in (1, 2, 3)),
    ]


def test_a_backend_with_a_new_name_is_known_by_its_address() -> None:
    after = listener(backends=[{"address": "198.51.100.11", "name": "first"}])
    up = BackendServer(BEFORE, "n1", "UP", address="198.51.100.11:6443")
    assert f"{BEFORE}/first={BEFORE}/n1" in words(after, running(builders.cluster(), up))


def test_a_backend_that_is_taken_out_is_not_expected_but_one_of_the_rest_is() -> None:
    after = listener(backends=["198.51.100.77"])
    up = BackendServer(BEFORE, "n1", "UP", address="198.51.100.11:6443")
    assert words(after, running(builders.cluster(), up)) == [":9443=:9443", f"{BEFORE}/={BEFORE}/"]


def test_a_backend_that_is_down_is_not_expected() -> None:
    observed = running(builders.cluster(), BackendServer(BEFORE, "n1", "DOWN"))
    assert words(builders.cluster(), observed) == []


def test_a_node_whose_haproxy_does_not_run_is_held_to_what_the_others_serve() -> None:
    observed = running(builders.cluster())
    observed["n2"] = dataclasses.replace(observed["n2"], backends=())
    assert words(builders.cluster(), observed) == [":9443=!tls", f"{BEFORE}/="]
    # They answer no client themselves.
    for node in ("n1", "n3"):
        through = {(builders.VIP, 9443): Answer("closed")}
        observed[node] = dataclasses.replace(observed[node], vip_answers=through)
    assert words(builders.cluster(), observed) == [f"{BEFORE}/="]


def test_a_classic_haproxy_is_asked_by_a_connection() -> None:
    observed = running(builders.cluster())
    expected = expected_backends(builders.cluster(), observed, "n2", (9443,))
    assert [backend.word for backend in expected] == [f"{BEFORE}/=:9443", ":9443=:9443"]


@pytest.mark.parametrize("name", ["n1;reboot", "$(reboot)", "n 1", "n/1", "", "n=1", "n1\n"])
def test_a_name_that_no_haproxy_has_reaches_no_shell(name: str) -> None:
    observed = running(builders.cluster(), BackendServer(BEFORE, name, "UP"))
    assert words(builders.cluster(), observed) == []


@pytest.mark.parametrize("listeners", ["x", 7, None, [1, "x", {"port": "9443"}], {"a": 1}])
def test_a_damaged_record_is_no_listener(listeners: object) -> None:
    observed = running(builders.cluster())
    damaged = dataclasses.replace(record(builders.cluster()), inventory={"listeners": listeners})
    observed["n2"] = dataclasses.replace(observed["n2"], applied=damaged)
    assert words(builders.cluster(), observed) == SERVED
    assert words(listener(name="api"), observed) == [
        f"{BEFORE}/n{i}={BEFORE}/n{i}" for i in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ({"backend_port": 6444}, ["listeners[0].backend_port: 6443 -> 6444"]),
        ({"check": {"path": "/nope"}}, ["listeners[0].check.path: /readyz -> /nope"]),
        ({"check": {"type": "https"}}, ["listeners[0].check.type: tcp -> https"]),
        ({}, []),
        ({"name": "api"}, ["listeners[0].name: kube-apiserver -> api"]),
    ],
)
def test_the_changed_setting_is_named(after: dict[str, Any], changed: list[str]) -> None:
    assert changed_settings(record(builders.cluster()), listener(**after)) == changed


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        ({}, 13),
        ({"interval": "500ms", "fall": 1}, 8),
        ({"interval": "10m"}, 37),
        ({"timeout": "20s"}, 28),
        ({"interval": "500ms", "fall": 1, "timeout": "100ms"}, 3),
    ],
)
def test_first_checks_are_waited_for_as_long_as_they_may_take(
    check: dict[str, Any], seconds: int
) -> None:
    assert check_seconds(listener(check=check)) == seconds


def test_a_changed_snippet_is_named_without_its_secret() -> None:
    extra = {"listener": "stats auth admin:hunter2"}
    after = builders.cluster(templates={"extra": extra})
    (changed,) = changed_settings(record(builders.cluster()), after)
    assert changed.startswith("templates.extra.listener: (nothing) -> stats auth")
    assert "hunter2" not in changed
