"""Which fields of a container differ."""

from __future__ import annotations

import dataclasses

from hadeploy.plan.fields import changed_fields
from tests.unit import builders

CONTAINER = builders.desired(builders.cluster())["n1"].container("haproxy")


def test_a_container_is_like_its_own_specification() -> None:
    assert changed_fields(CONTAINER, builders.running(CONTAINER, 1)) == {}


def test_each_changed_field_is_named_with_both_values() -> None:
    there = builders.running(CONTAINER, 1)
    wanted = dataclasses.replace(CONTAINER, image="haproxy:9", nofile=99)
    assert changed_fields(wanted, there) == {
        "image": (CONTAINER.image, "haproxy:9"),
        "nofile": (CONTAINER.nofile, 99),
    }


def test_an_engine_that_writes_capabilities_in_full_makes_no_difference() -> None:
    keepalived = builders.desired(builders.cluster())["n1"].container("keepalived")
    there = builders.running(keepalived, 1)
    there.raw["HostConfig"]["CapAdd"] = [f"CAP_{c}" for c in keepalived.capabilities]
    assert changed_fields(keepalived, there) == {}
