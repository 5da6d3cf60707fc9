"""What is wrong with a cluster, and how bad that is. Pure.

The proofs of `verify` come first; what a run that ends well has just made sure of, and what is no
fault while a cluster is brought up, is proven here.
"""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.recognise import recognise
from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster, Listener
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.order import holders
from hadeploy.plan.steps import Step
from hadeploy.plan.takeover_candidates import drains, takeover_candidates
from hadeploy.status.cluster_status import Health
from hadeploy.status.situation import ClusterSnapshot
from hadeploy.verify.answers import answer_proofs, supplied
from hadeploy.verify.backends import (
    BACKENDS,
    FIRST_TIME,
    GONE,
    UNEVEN,
    Supply,
    listener_supplies,
)
from hadeploy.verify.certificates import backends_up, certificate_proofs, refused_listeners
from hadeploy.verify.proof import Proof, failed
from hadeploy.verify.proofs import prove, unreachable_proofs

OUTAGE = "vip-serves"


def judge(situation: ClusterSnapshot) -> tuple[Health, list[Proof]]:
    """The verdict, and every proof that it rests on.

    Args:
        situation: one look at all nodes.
    """
    unreachable = unreachable_proofs(situation.unreachable)
    if not situation.observed:
        return "unknown", unreachable
    if not situation.records:
        nothing = Proof(
            OUTAGE,
            "fail",
            "nothing was applied on any node that can be reached",
            hint="hadeploy up",
        )
        return "down", [nothing, *unreachable]
    force = situation.in_force()
    proofs = [
        *(p for p in prove(force.cluster, force.desired, force.observed) if p.name != BACKENDS),
        *_served(force.cluster, force),
        *_backends(force),
        *answer_proofs(force.cluster, force.observed, force.certificates),
        *_certificates(force),
        *_takeover(force),
        *_engines(situation),
        *_left_behind(situation),
        *_configurations(situation),
        *unreachable,
    ]
    if any(proof.name == OUTAGE for proof in failed(proofs)):
        return "down", proofs
    # A warning says only that this machine may be in another network. An outage is one from here.
    proofs += [proof for proof in situation.here if proof.verdict != "warn"]
    return "degraded" if failed(proofs) else "healthy", proofs


def _served(cluster: Cluster, force: ClusterSnapshot) -> Iterator[Proof]:
    """Whether each VIP is served: the one thing that clients need."""
    for vip in map(str, (vip.ip for vip in cluster.vip)):
        holding = holders([vip], force.observed.values())
        for listener in cluster.listeners:
            behind = supplied(cluster, force.observed, vip, listener, force.certificates)
            tried = {
                node: answer
                for node, look in force.observed.items()
                if (answer := look.through.get((vip, listener.port))) is not None
            }
            serving = [n for n in holding if _serves(cluster, force.observed[n], listener)]
            # The holder's own connection says nothing of the network; who is alone has no other.
            others = [tried[n] for n in tried if n not in holding]
            witnesses = others or list(tried.values())
            target = f"{vip} port {listener.port}"
            if not holding and any(answer.reached for answer in tried.values()):
                yield Proof(OUTAGE, "pass", f"{target} is served by a node that was not reached")
            elif not holding:
                yield Proof(OUTAGE, "fail", f"{target} is served by no node")
            elif not serving:
                where = " and ".join(holding)
                yield Proof(OUTAGE, "fail", f"{target} is not served by {where}, which has the VIP")
            elif witnesses and not any(answer.reached for answer in witnesses):
                yield Proof(OUTAGE, "fail", f"{target} can be reached from no other node")
            elif witnesses and all(not a.reached or behind.problem(a) for a in witnesses):
                problems = dict.fromkeys(map(behind.problem, witnesses))
                seen = f"{target} {' and '.join(filter(None, problems))}"
                yield Proof(OUTAGE, "fail", seen)
            else:
                yield Proof(OUTAGE, "pass", f"{target} is served by {' and '.join(serving)}")


def _serves(cluster: Cluster, look: ObservedNode, listener: Listener) -> bool:
    sockets = look.listeners(listener.port)
    by_hand = recognise(cluster, look)
    if by_hand is not None and any(by_hand.owns(socket) for socket in sockets):
        # `up --adopt` has not come to this node yet; its clients are served.
        return True
    if look.serving is not None:
        return bool(sockets)
    # A frozen haproxy listens, but does not answer; one that was not given this health_port yet
    # does not listen there.
    haproxy = look.ours_of(cluster.name, "haproxy")
    frozen = look.listeners(cluster.haproxy.health_port)
    return not frozen and any(socket.belongs_to(haproxy) for socket in sockets)


def _backends(force: ClusterSnapshot) -> Iterator[Proof]:
    """One server is enough for a listener to serve; what haproxy does not tell is not judged."""
    for one in listener_supplies(force.cluster, force.observed):
        name = one.listener
        if one.supply is Supply.LOST:
            seen = f"{name}: no backend is up any more, as {one.node} sees them"
            yield Proof(OUTAGE, "fail", seen, hint=GONE)
        elif one.supply is Supply.NOT_YET:
            yield Proof(BACKENDS, "fail", f"{name}: no backend is up", hint=FIRST_TIME)
        elif one.supply is Supply.UNEVEN:
            seen = f"{name}: {one.node} reaches no backend; other nodes do"
            yield Proof(BACKENDS, "fail", seen, hint=UNEVEN)
        elif one.supply is Supply.PARTIAL:
            yield Proof(BACKENDS, "warn", f"{name}: {one.message}{one.named}")
        else:
            yield Proof(BACKENDS, "pass", f"{name}: all backends are up")


def _certificates(force: ClusterSnapshot) -> Iterator[Proof]:
    """A listener does not serve either where clients refuse the certificates of all backends."""
    up = backends_up(force.cluster, force.observed)
    yield from certificate_proofs(force.cluster, force.certificates, up)
    for listener in refused_listeners(force.cluster, force.certificates, up):
        seen = f"{listener.name}: clients refuse the certificates of all backends"
        yield Proof(OUTAGE, "fail", seen)


def _takeover(force: ClusterSnapshot) -> Iterator[Proof]:
    """Whether any other node could take the VIP from the holder."""
    vips = [str(vip.ip) for vip in force.cluster.vip]
    holding = holders(vips, force.observed.values())
    if len(force.cluster.nodes) == 1 or len(holding) != 1:
        return
    others = takeover_candidates(force.cluster, force.observed, holding[0])
    problem = takeover_problem(force.cluster, force.observed, holding[0])
    if others and problem:
        # The best priority counts, whoever else could serve.
        yield Proof("takeover-possible", "warn", problem.message, hint=problem.hint)
    elif others:
        yield Proof("takeover-possible", "pass", f"{' and '.join(others)} could take the VIP over")
    else:
        yield Proof(
            "takeover-possible",
            "fail",
            f"no other node could take the VIP over from {holding[0]}",
            hint="none is healthy and not drained",
        )


def _engines(situation: ClusterSnapshot) -> Iterator[Proof]:
    """What runs goes on without its engine, but nothing is known of it."""
    for node, look in situation.observed.items():
        if look.docker is None:
            seen = "the Docker engine does not answer, so nothing is known of the containers"
            yield Proof("docker-answers", "fail", seen, node, "systemctl status docker")
        else:
            yield Proof("docker-answers", "pass", f"Docker {look.docker} answers", node)


def _left_behind(situation: ClusterSnapshot) -> Iterator[Proof]:
    """Nodes that a dead run keeps off the VIP."""
    for node, look in situation.observed.items():
        if layout.RUN_DRAIN in drains(look) and not look.lock:
            seen = "still drained by an interrupted run"
            yield Proof("handover-finished", "fail", seen, node, "`hadeploy up` lets it go")


def _configurations(situation: ClusterSnapshot) -> Iterator[Proof]:
    """Drift is a fault; that the inventory was changed and not applied yet is only told."""
    for node, look in situation.observed.items():
        steps = situation.steps(node)
        drift = [step for step in steps if step.drift]
        if drift:
            first, *others = [f"{step.subject}: {step.reason}" for step in drift]
            more = f" (and {len(others)} more)" if others else ""
            hint = "`hadeploy plan` shows the difference, `hadeploy up` puts it back"
            follows = all(_told_already(step, look) for step in drift)
            yield Proof("configuration-in-sync", "fail", first + more, node, hint, follows=follows)
        elif steps:
            seen = f"{len(steps)} steps to take ({steps[0].subject}: {steps[0].reason})"
            yield Proof("configuration-in-sync", "warn", seen, node, "`hadeploy plan` shows them")
        else:
            yield Proof("configuration-in-sync", "pass", "as the inventory says", node)


def _told_already(step: Step, look: ObservedNode) -> bool:
    """Whether it is seen by what runs, or does not."""
    container = look.container(step.subject)
    stopped = step.role is not None and (container is None or not container.running)
    return step.action == "reload-container" or (stopped and step.action != "write-file")
