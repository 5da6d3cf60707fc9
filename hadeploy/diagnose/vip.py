"""A VIP on the wrong node, or on no node. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.plan.possible_holders import may_hold
from hadeploy.plan.takeover_candidates import drains
from hadeploy.verify.stranger import Stranger
from hadeploy.verify.strangers import forgotten_nodes, left_nodes, misplaced_vips

ORPHANED_VIP = Cause(
    "orphaned-vip",
    "keepalived was killed and left the VIP behind",
    "the node has the address, but runs no keepalived, in a container or on the host",
    "`hadeploy up` starts keepalived, which removes the address",
    ("container-stopped", "container-missing", "vip-unheard"),
)
STRAY_VIP = Cause(
    "stray-vip",
    "the VIP is on a node whose keepalived is not the master",
    "the node has the address, but its keepalived is in state BACKUP or FAULT",
    "restart that keepalived, which removes the address",
)


@recognises(ORPHANED_VIP, STRAY_VIP)
def addresses(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """VIPs on nodes whose keepalived is not the master."""
    _, keepalived = context.cluster.container_names
    for vip in (str(vip.ip) for vip in context.cluster.vip):
        for node, state in context.nodes:
            wrong = misplaced_vips(context.cluster, node, state)
            there = [a for a in state.addresses if a.address == vip and a not in wrong]
            if not there:
                continue
            if not may_hold(state, vip):
                container = state.container(keepalived)
                end = (
                    f"{keepalived} is {container.status} (exit status {container.exit_code})"
                    if container
                    else f"there is no container {keepalived}"
                )
                yield Diagnosis(
                    ORPHANED_VIP.id,
                    (node.label,),
                    f"keepalived was killed and left {vip} behind",
                    "`hadeploy up` starts keepalived, which removes the address",
                    (
                        f"{node.label}: has {vip} on {there[0].interface}, but no keepalived",
                        f"{node.label}: {end}",
                    ),
                    "keepalived",
                )
            elif state.vrrp and state.vrrp.state in ("BACKUP", "FAULT"):
                yield Diagnosis(
                    STRAY_VIP.id,
                    (node.label,),
                    f"the node has {vip}, but its keepalived is not the master: the address was "
                    "added by hand or left behind",
                    f"docker restart {keepalived}, which removes the address at its start",
                    (
                        f"{node.label}: keepalived is {state.vrrp.state}, and {vip} is on "
                        f"{there[0].interface}",
                    ),
                )


def _unheld(context: DiagnosisContext) -> bool:
    return any(not context.holders(str(vip.ip)) for vip in context.cluster.vip)


DRAINED = Cause(
    "drained",
    "every node is drained",
    "no node has the VIP, and the track file of a drain is not 0",
    "`hadeploy undrain NODE`; `hadeploy up` after an interrupted run",
)


@recognises(DRAINED)
def drained(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Drained nodes, if no node holds the VIP."""
    for node, state in context.nodes if _unheld(context) else ():
        for name in drains(state):
            yield Diagnosis(
                DRAINED.id,
                (node.label,),
                "the node is drained"
                if name == "drain"
                else "the node is still drained by an interrupted run",
                "`hadeploy undrain NODE`" if name == "drain" else "`hadeploy up` ends the drain",
                (f"{node.label}: its track file {name} is not 0",),
            )


CHECK_FAILS = Cause(
    "check-fails",
    "keepalived is in FAULT for no other reason",
    "its state, its number of faults, and whether haproxy answers",
    "run the check by hand",
)
VRRP_STRANGER = Cause(
    "vrrp-stranger",
    "the nodes are backups of a machine outside the cluster",
    "no node has the VIP, and the master of a backup is not a node of the cluster",
    "choose another vrrp.virtual_router_id, or a password",
)


@recognises(CHECK_FAILS, VRRP_STRANGER)
def faults(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Nodes in FAULT that are not drained, and backups of a machine outside the cluster."""
    for node, state in context.nodes:
        if state.vrrp is None or drains(state):
            continue
        if state.vrrp.state == "FAULT":
            answers = "haproxy answers" if state.serving else "haproxy does not answer"
            spoken = state.vrrp.instance
            count = f" ({spoken.tracker_faults} failed trackers)" if spoken else ""
            yield Diagnosis(
                CHECK_FAILS.id,
                (node.label,),
                "keepalived is in FAULT, because its check of haproxy or another tracker fails",
                f"on the node: docker exec {context.cluster.container_names[1]} "
                "/etc/keepalived/check-haproxy.sh; echo $?",
                (f"{node.label}: keepalived is in FAULT{count}, and {answers}",),
            )
    yield from _strangers(context)


def _strangers(context: DiagnosisContext) -> Iterator[Diagnosis]:
    if not _unheld(context):
        return
    known = {a.address for state in context.observed.values() for a in state.addresses}
    known |= {str(node.address) for node in context.cluster.nodes}
    # A forgotten node is a cause of its own.
    known |= set(forgotten_nodes(context.cluster, context.observed))
    left = left_nodes(context.cluster, context.observed)
    for node, state in context.nodes:
        spoken = state.vrrp.instance if state.vrrp and state.vrrp.state == "BACKUP" else None
        if spoken and spoken.master and spoken.master not in known:
            stranger = Stranger("", spoken.master, (), left=spoken.master in left)
            yield Diagnosis(
                VRRP_STRANGER.id,
                (node.label,),
                f"the node is a backup of {stranger.name}",
                stranger.fix
                if stranger.left
                else "choose another vrrp.virtual_router_id, or a VRRP password",
                (f"{node.label}: its keepalived has the master {spoken.master}",),
            )
