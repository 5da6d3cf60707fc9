"""n2 of a healthy cluster with a change, and its proofs."""

from __future__ import annotations

import dataclasses
from typing import Any

from hadeploy.desired.roles import Role
from hadeploy.observe.observed_node import Owner, VrrpState
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.verify.proof import Proof
from hadeploy.verify.proofs import prove
from tests.unit import builders
from tests.unit.nodes import Node

AGREES = "keepalived-agrees"
NOW = builders.NOW
LOGS = "docker logs --tail 30 c-keepalived"
APPLY = "`hadeploy plan` shows the difference, `hadeploy up` applies it"
MISSING = "`hadeploy plan` shows the missing steps"
OURS = Owner("haproxy", 1, "c-haproxy")
ID = builders.desired(builders.cluster())["n2"].config_id("keepalived")
OTHER_ID = "0" * 16


def vrrp(state: str, config_id: str = ID, spoken: RunningInstance | None = None) -> VrrpState:
    return dataclasses.replace(VrrpState(state, 240, 240, config_id), instance=spoken)


def look_at(*, holder: bool = False, stopped: Role | None = None, **changes: Any) -> Node:
    """n2, with these changes; `stopped` is the role of a container that does not run."""
    look = builders.node("n2", of=builders.cluster(), holder=holder)
    look = look.with_container(stopped, status="exited") if stopped else look
    return look.with_(**changes)


def proofs(look: Node, name: str, **cluster: Any) -> list[Proof]:
    """What is proven of n2, alone, under that name."""
    of = builders.cluster(**cluster)
    return [p for p in prove(of, builders.desired(of), {"n2": look}) if p.name == name]


def fail(name: str, message: str, hint: str | None, **more: Any) -> Proof:
    return Proof(name, "fail", message, "n2", hint, **more)
