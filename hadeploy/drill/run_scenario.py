"""Runs the rounds of a scenario, and chooses the victims of each round."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from hadeploy.drill.round import Round
from hadeploy.drill.run_round import Drill, Roles, run_round
from hadeploy.drill.scenarios import Scenario, failback_node, victim_sets, victims_of
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.gather import observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.takeover_candidates import takeover_candidates


def run_scenario(drill: Drill, scenario: Scenario, prove: Callable[[], bool]) -> Iterator[Round]:
    """Run all rounds of a scenario; stop if the cluster does not recover.

    Args:
        drill: what all rounds share.
        scenario: the failure.
        prove: waits until the cluster is healthy again, and returns whether it is.

    Raises:
        InterruptedRunError: the user asked to stop; the failure is repaired.
        HadeployError: a failure could not be caused or repaired, or too few nodes are healthy.
    """
    labels = list(drill.desired)
    for fixed_victims in victim_sets(scenario, labels):
        observed = observe(drill.cluster, drill.sessions)
        holder = _holder(observed, str(drill.cluster.vip[0].ip))
        standby = takeover_candidates(drill.cluster, observed, holder)
        standby.sort(key=lambda node: -drill.desired[node].priority)
        victims = fixed_victims or victims_of(scenario, holder, standby)
        if holder in victims:
            _require_good_takeover(drill, observed, holder, victims)
        next_holder = [node for node in standby if node not in victims][:1]
        senders = [n for n in labels if n not in {holder, *victims, *next_holder}]
        failback = failback_node(drill.cluster, [holder, *standby])
        roles = Roles(victims, holder, tuple(senders), failback)
        round_ = run_round(drill, scenario, roles, observed, prove)
        yield round_
        if not round_.healthy:
            return


def _require_good_takeover(
    drill: Drill, observed: Mapping[str, ObservedNode], holder: str, victims: Collection[str]
) -> None:
    """Refuse a failure that would move the VIP to a node that reaches fewer backends.

    Raises:
        HadeployError: names that node.
    """
    remaining = {n: state for n, state in observed.items() if n == holder or n not in victims}
    if problem := takeover_problem(drill.cluster, remaining, holder):
        error = problem.error("preparing a drill")
        error.code = ExitCode.NOT_PROVEN
        raise error


def _holder(observed: Mapping[str, ObservedNode], vip: str) -> str:
    """The holder now; the VIP may have moved since the proofs.

    Raises:
        HadeployError: no node has the VIP.
    """
    for node, state in observed.items():
        if state.holds(vip):
            return node
    raise HadeployError(
        f"no node has {vip}",
        operation="preparing a drill",
        hint="`hadeploy verify` waits until a node has it, or shows why no node does",
    )
