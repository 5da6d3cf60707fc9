"""n2 of a healthy cluster, bent, and what is proven of it."""

from __future__ import annotations

import dataclasses
from typing import Any

from hadeploy.observe.observed_node import ObservedNode, Owner, VrrpState
from hadeploy.observe.vrrp import RunningInstance
from hadeploy.verify.proof import Proof
from hadeploy.verify.proofs import prove
from tests.unit import builders

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


def look_at(*, holder: bool = False, stopped: str = "", **changes: Any) -> ObservedNode:
    """n2, with these changes; `stopped` is the role of a container that does not run."""
    look = builders.healthy(builders.cluster(), holder="n2" if holder else "n1")["n2"]
    containers = tuple(
        dataclasses.replace(c, status="exited") if c.role == stopped else c for c in look.containers
    )
    return dataclasses.replace(look, **{"containers": containers, **changes})


def proofs(look: ObservedNode, name: str, **cluster: Any) -> list[Proof]:
    """What is proven of n2, alone, under that name."""
    of = builders.cluster(**cluster)
    return [p for p in prove(of, builders.desired(of), {"n2": look}) if p.name == name]


def fail(name: str, message: str, hint: str | None, **more: Any) -> Proof:
    return Proof(name, "fail", message, "n2", hint, **more)


def container(index: int, **changes: Any) -> ObservedNode:
    """n2 with another container of that number."""
    look = look_at()
    containers = list(look.containers)
    containers[index] = dataclasses.replace(containers[index], **changes)
    return dataclasses.replace(look, containers=tuple(containers))
