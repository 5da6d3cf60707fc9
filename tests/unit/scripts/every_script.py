"""Every script that the product can make, by the functions that make them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import get_args

from pydantic import SecretStr

from hadeploy.desired.roles import ROLES
from hadeploy.diagnose.diagnostics import evidence_script
from hadeploy.drill import monitor
from hadeploy.drill.run_round import break_script, repair_script
from hadeploy.drill.scenarios import SCENARIOS
from hadeploy.drill.versions import versions_script
from hadeploy.images.load import missing_images_script, pull_script
from hadeploy.images.registry import registry_script
from hadeploy.logs.options import LogOptions
from hadeploy.logs.read import logs_script, new_feed
from hadeploy.observe.gather import observation_script
from hadeploy.plan.backends import ExpectedBackend
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.inputs import Login
from hadeploy.plan.rolling import make_plan
from hadeploy.plan.steps import Action, Impact, NodePlan, Step
from hadeploy.rollout.change import Change
from hadeploy.rollout.down import down_script
from hadeploy.rollout.drain import drain_lines, drain_script, undrain_lines
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.scripts import Part, apply_script, handing_over_script, restore_script
from hadeploy.rollout.staging_scripts import stage_script, trial_script
from hadeploy.rollout.take_back import keep_off_script
from hadeploy.support.collect import support_script
from tests.unit import builders
from tests.unit.adopt import classic_nodes

FINGERPRINT = "f" * 16
LOCK = Lock("c", "up", "token")
# What a step is applied to matters for its script, and so does whether all nodes change.
TURNS = {
    "": {},
    "holder": {"holder": True},
    "together": {"coordinated": True},
    "together-holder": {"holder": True, "coordinated": True},
}


def change(*, adopts: bool = False) -> Change:
    """What the scripts of n1 are made from."""
    cluster = classic_nodes.inventory() if adopts else builders.cluster()
    change = Change(
        cluster,
        builders.desired(cluster)["n1"],
        LOCK,
        record="{}",
        configuration="c0ffee",
        vips=("10.0.0.100",),
        election=23,
        by_hand=classic_nodes.by_hand("multicast-n1") if adopts else None,
    )
    backends = (ExpectedBackend("api/n1", "api/n1"), ExpectedBackend(":9443", ":9443"))
    return dataclasses.replace(change, backends=backends, takeover=backends)


def of_steps() -> Iterator[tuple[str, str]]:
    """One script for each kind of step, in each kind of turn, and for each part of one."""
    actions: tuple[Action, ...] = get_args(Action)
    for action in actions:
        for role in (None, *ROLES):
            step = Step(action, f"c-{role}", "", Impact.RESTART, role=role)
            for name, turn in TURNS.items():
                plan = NodePlan("n1", (step,), **turn)
                for part in Part:
                    script = apply_script(
                        change(), plan, FINGERPRINT, otherwise="restore", part=part
                    )
                    yield f"{action}-{role}-{name}-{part.value}", script
    adopting: tuple[tuple[Action, Impact], ...] = (
        ("keep-aside", Impact.NONE),
        ("stop-container", Impact.HANDOVER),
        ("stop-container", Impact.RESTART),
    )
    for action, impact in adopting:
        step = Step(action, "classic", "", impact, role="keepalived")
        plan = NodePlan("n1", (step,), holder=True)
        script = apply_script(change(adopts=True), plan, FINGERPRINT, otherwise="restore_classic")
        yield f"adopt-{action}-{impact.value}", script


def of_plans() -> Iterator[tuple[str, str]]:
    """What `up` and `down` do on nodes."""
    cluster = builders.cluster()
    desired, healthy = builders.desired(cluster), builders.healthy(cluster)
    fresh = {node: builders.empty(node) for node in desired}
    for plan in make_plan(cluster, desired, fresh).nodes:
        script = apply_script(change(), plan, FINGERPRINT, otherwise="keep_off")
        yield f"up-{plan.node}", script
    for plan in make_down_plan(cluster, healthy).nodes:
        node = healthy[plan.node]
        yield f"down-{plan.node}", down_script(cluster, plan, node, LOCK, ("10.0.0.100",))
    yield "stage", stage_script(cluster, desired["n1"], ROLES, LOCK, FINGERPRINT)
    yield "trial", trial_script(desired["n1"], ROLES)
    for how in ("restore", "keep_off"):
        for together in (False, True):
            script = restore_script(change(), FINGERPRINT, how, together=together)
            yield f"restore-{how}-{together}", script
    yield "give-back", restore_script(change(adopts=True), FINGERPRINT, "restore_classic")
    yield "hand-over", handing_over_script(cluster, LOCK, FINGERPRINT)
    yield "keep-off", keep_off_script(cluster, LOCK, FINGERPRINT)
    for name, lines in (("drain", drain_lines(cluster)), ("undrain", undrain_lines(cluster))):
        yield name, drain_script(cluster, LOCK, FINGERPRINT, lines)


def of_features() -> Iterator[tuple[str, str]]:
    """What the other commands do on nodes."""
    cluster = builders.cluster()
    login = Login("r.example", "me", SecretStr("'$x"))
    yield "observe", observation_script(cluster)
    yield "settle", observation_script(cluster, depth="yes", versions=True, settle=9, token="t")
    yield "diagnostics", evidence_script(cluster, seconds=3)
    yield "support", support_script(cluster)
    yield "versions", versions_script(cluster)
    yield "look", missing_images_script(("haproxy:3", "keepalived:2"))
    yield "pull", pull_script("haproxy:3", cluster, login)
    yield "pull-without-login", pull_script("haproxy:3", cluster, None)
    yield "registry", registry_script("haproxy:3", login)
    for follow in (False, True):
        yield (
            f"logs-{follow}",
            logs_script(cluster, new_feed("n1", LogOptions()), LogOptions(), follow=follow),
        )
    for scenario in SCENARIOS:
        line = f"drill {scenario.failure} 9"
        script = break_script(cluster, LOCK, FINGERPRINT, line, "eth0")
        yield f"break-{scenario.name}", script
    yield "mend", repair_script(cluster)
    for name, task in (("watch", monitor.WATCH), ("ask", monitor.ASK), ("end", monitor.END)):
        yield name, monitor.watch_script(cluster, "10.0.0.100", "t", task)
    for line in (
        "lock_take",
        "lock_inherit t",
        "lock_release",
        "with_lock_mutex lock_try_renew",
        "lock_report",
        "lock_remove",
        "lock_keep\nrm -rf /nonexistent",
    ):
        yield line.partition("\n")[0], LOCK.script(line)


def every_script() -> dict[str, str]:
    """Each different script, by the name of the first thing that it is made for."""
    named = {text: name for name, text in reversed([*of_steps(), *of_plans(), *of_features()])}
    return {name: text for text, name in reversed(named.items())}
