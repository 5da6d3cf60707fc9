"""A drill: who is broken in each round of a scenario, and who is healthy enough for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from hadeploy.drill.round import Drill, Roles, run_round
from hadeploy.drill.scenarios import Scenario, home_of, sets_of_victims, victims_of
from hadeploy.drill.trial import Round
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.observe.gather import observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.election import takeover_problem
from hadeploy.plan.takeover_candidates import takeover_candidates


def run_scenario(drill: Drill, scenario: Scenario, prove: Callable[[], bool]) -> Iterator[Round]:
    """All rounds of a scenario, until the cluster is not whole again.

    Args:
        drill: what all rounds have in common.
        scenario: what is broken.
        prove: waits until the cluster is whole again, and tells whether it is.

    Raises:
        InterruptedRunError: the user has asked to stop; all is mended.
        HadeployError: something could not be broken, or mended, or too few nodes are healthy.
    """
    labels = list(drill.desired)
    for chosen in sets_of_victims(scenario, labels):
        observed = observe(drill.cluster, drill.sessions)
        holder = _holder(observed, str(drill.cluster.vip[0].ip))
        standby = takeover_candidates(drill.cluster, observed, holder)
        standby.sort(key=lambda node: -drill.desired[node].priority)
        victims = chosen or victims_of(scenario, holder, standby)
        if holder in victims:
            _refuse_unfit_winner(drill, observed, holder, victims)
        next_one = [node for node in standby if node not in victims][:1]
        bystanders = [n for n in labels if n not in {holder, *victims, *next_one}]
        home = home_of(drill.cluster, [holder, *standby])
        roles = Roles(victims, holder, tuple(bystanders), home)
        done = run_round(drill, scenario, roles, observed, prove)
        yield done
        if not done.healthy:
            return


def _refuse_unfit_winner(
    drill: Drill, observed: Mapping[str, ObservedNode], holder: str, victims: Collection[str]
) -> None:
    """Do not break the holder where the VIP would go to a node that reaches fewer backends.

    Raises:
        HadeployError: with that node.
    """
    left = {n: look for n, look in observed.items() if n == holder or n not in victims}
    if problem := takeover_problem(drill.cluster, left, holder):
        error = problem.error("preparing a drill")
        error.code = ExitCode.NOT_PROVEN
        raise error


def _holder(observed: Mapping[str, ObservedNode], vip: str) -> str:
    """Who has the VIP. It was proven that one has; since then it may have moved.

    Raises:
        HadeployError: no node has the VIP now.
    """
    for node, look in observed.items():
        if look.holds(vip):
            return node
    raise HadeployError(
        f"no node has {vip} just now",
        operation="preparing a drill",
        hint="`hadeploy verify` waits until one has it, or tells why none does",
    )
