"""Makes a complete plan from the inventory and the observed nodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hadeploy.adopt.recognise import ByHand, read_classics, recognise_all
from hadeploy.adopt.side_by_side import (
    nodes_with_both,
    to_disable,
    vrrp_settings_differ,
    with_disabling,
)
from hadeploy.answers.answer import PROOF, PROOF_HERE
from hadeploy.check.finding import NOT_ASKED, Answered, CheckContext, Finding, failures
from hadeploy.check.former_nodes import FORMER_NODES, returned_and_incompatible
from hadeploy.check.network import INTERFACE
from hadeploy.check.our_folder import moved_folders
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.rendered_binds import has_templates
from hadeploy.errors import NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import addressless
from hadeploy.plan.forgotten import forgotten_warnings, incompatible_nodes, refuse_forget
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.order import added_nodes
from hadeploy.plan.partial_rollout import refuse_partial
from hadeploy.plan.previous import Previous
from hadeploy.plan.rolling import as_outage, changing, interrupts_the_holder, make_plan
from hadeploy.plan.steps import Plan
from hadeploy.plan.vip_moves import refuse_unfit_winner
from hadeploy.plan.vrrp_settings import with_running_settings
from hadeploy.rollout.attribution import with_authors
from hadeploy.rollout.checks import checked
from hadeploy.rollout.desired_state import desired_state, with_forgotten
from hadeploy.rollout.reply_errors import locked

if TYPE_CHECKING:
    from hadeploy.plan.joining import Introduction


@dataclass(frozen=True)
class Prepared:
    """A plan and its inputs.

    Attributes:
        cluster: the target of the plan: the inventory, or an intermediate state.
        observed: by node label.
        desired: by node label.
        plan: the steps.
        then: a sentence on the plan that follows this one; "" if none follows.
        by_hand: what was set up by hand and is taken over, by node label.
        compare_answers: whether clients must get the same answers as before the change.
        serves_here: whether this machine must be served, too.
        introductions: for the nodes that only get new peers, by label.
        before_removal: whether the plan runs before nodes leave the cluster.
        contents: digests of the files and secrets of the inventory, for the record.
    """

    cluster: Cluster
    observed: dict[str, ObservedNode]
    desired: dict[str, DesiredNode]
    plan: Plan
    then: str = ""
    by_hand: Mapping[str, ByHand] = field(default_factory=dict)
    compare_answers: bool = True
    serves_here: bool = True
    introductions: Mapping[str, Introduction] = field(default_factory=dict)
    before_removal: bool = False
    contents: Mapping[str, str] | None = None

    @property
    def changes(self) -> int:
        """The number of steps, plus one if another plan follows."""
        return self.plan.changes + bool(self.then)


def prepare(
    inputs: Inputs,
    observed: dict[str, ObservedNode],
    *,
    check: bool,
    choices: RunOptions,
    previous: Previous | None = None,
    report: Callable[[list[Finding]], None] = lambda _: None,
    answered: Answered = NOT_ASKED,
) -> Prepared:
    """Check the nodes and make the plan.

    Args:
        inputs: of the run.
        observed: the nodes, by label.
        check: whether to check the nodes first; failed checks are errors.
        choices: the options of the run.
        previous: replaces the inventory in a rollback.
        report: receives the findings of the checks, before an error is raised.
        answered: the answers of registries and backends, if they were asked.

    Raises:
        LockedError: there are problems, and another run is changing the nodes.
        NodesError: with all problems that prevent the change.
    """
    if previous:
        inputs = dataclasses.replace(inputs, cluster=previous.cluster)
    if check:
        asked, certificates = answered.registries, answered.certificates
        findings = checked(inputs, observed, choices, asked=asked, certificates=certificates)
        report(findings)
    else:
        # The desired state needs these facts.
        context = CheckContext(inputs.cluster, observed)
        findings = [
            Finding(INTERFACE.id, node.label, "fail", *problem)
            for node, state in context.nodes
            for problem in addressless(node, state)
        ]
        findings += moved_folders(inputs.cluster, observed)
    problems = [finding.error() for finding in failures(findings)]
    if problems:
        _raise_if_locked(observed)
        raise NodesError(problems)
    found = recognise_all(inputs.cluster, observed) if choices.adopt else {}
    beside = nodes_with_both(inputs.cluster, observed, found)
    if set(found) - beside:
        classics = read_classics({node: found[node] for node in set(found) - beside})
        if vrrp_settings_differ(observed, classics):
            beside = set(found)
    disabled = to_disable(inputs.cluster, observed, beside) if choices.adopt else {}
    taken = {node: by_hand for node, by_hand in found.items() if node not in beside}
    if taken:
        prepared = _adopted(inputs, observed, taken, choices)
    else:
        prepared = _planned(inputs, observed, choices, previous, check=check)
    if check and not previous and has_templates(inputs.cluster):
        # Few inventories have templates.
        from hadeploy.rollout.file_ports import ports_of_files  # noqa: PLC0415

        looks = prepared.observed
        unbound = [f.error() for f in ports_of_files(inputs, looks, prepared.desired, choices)]
        if unbound:
            raise NodesError(unbound)
    plan = with_disabling(prepared.cluster, prepared.plan, disabled, observed)
    if check:
        refuse_unfit_winner(prepared.cluster, prepared.desired, prepared.observed, plan)
    plan, contents = with_authors(inputs, plan, observed, previous)
    serves_here = PROOF_HERE not in choices.skip
    prepared = dataclasses.replace(prepared, plan=plan, contents=contents, serves_here=serves_here)
    return _on_purpose(prepared) if PROOF in choices.skip else prepared


def _on_purpose(prepared: Prepared) -> Prepared:
    """The same plan, but clients may get other answers than before."""
    # Rarely needed.
    from hadeploy.plan.new_answers import with_new_answers  # noqa: PLC0415

    plan = with_new_answers(prepared.cluster, prepared.plan, prepared.observed)
    return dataclasses.replace(prepared, plan=plan, compare_answers=False)


def _planned(
    inputs: Inputs,
    observed: dict[str, ObservedNode],
    choices: RunOptions,
    previous: Previous | None,
    *,
    check: bool,
) -> Prepared:
    """The plan without a takeover of a cluster that was set up by hand.

    Raises:
        NodesError: a forgotten node that is back would have the VIP, too.
        HadeployError: a node to forget is no former node.
    """
    if not previous:
        refuse_forget(inputs.cluster, observed, choices.forget)
    desired = (
        with_forgotten(previous.desired, observed, choices)
        if previous
        else desired_state(inputs, inputs.cluster, observed, inputs.password, choices)
    )
    only = choices.only or None
    plan = make_plan(inputs.cluster, desired, observed, only=only)
    refuse_partial(inputs.cluster, plan, observed, choices.partial)
    if check and plan.coordinated and FORMER_NODES.id not in choices.skip:
        nodes = incompatible_nodes(inputs.cluster, desired, plan.coordinated)
        back = [f.error() for f in returned_and_incompatible(inputs.cluster, observed, nodes)]
        if back:
            raise NodesError(back)
    if not previous and not only and _nodes_change(inputs, observed, choices):
        # Few runs add or remove nodes.
        from hadeploy.rollout.stages import earlier_stage  # noqa: PLC0415

        if earlier := earlier_stage(inputs, plan, observed, choices):
            return earlier
    if interrupts_the_holder(plan):
        before = _before(inputs, observed, plan, choices)
        if before:
            # An error of the second plan must prevent the first one.
            refuse_unfit_winner(inputs.cluster, desired, observed, plan)
            return before
        plan = as_outage(plan)
    return Prepared(inputs.cluster, observed, desired, plan)


def _nodes_change(
    inputs: Inputs, observed: Mapping[str, ObservedNode], choices: RunOptions
) -> bool:
    addresses = {node.label: str(node.address) for node in inputs.cluster.nodes}
    return bool(choices.departing or added_nodes(addresses, observed))


def _adopted(
    inputs: Inputs,
    observed: dict[str, ObservedNode],
    found: Mapping[str, ByHand],
    choices: RunOptions,
) -> Prepared:
    """The plan that replaces containers that were set up by hand, with their VRRP settings.

    Raises:
        NodesError: with everything that cannot be taken over.
    """
    # Few runs adopt anything.
    from hadeploy.adopt.intermediate import intermediate  # noqa: PLC0415
    from hadeploy.adopt.plan import adopt_plan  # noqa: PLC0415

    classics = read_classics(found)
    between = intermediate(inputs.cluster, classics)
    desired = desired_state(inputs, between.cluster, observed, between.password, choices)
    plan = adopt_plan(inputs.cluster, between.cluster, desired, observed, found, classics)
    then = "After that, the inventory's own VRRP settings replace those of the old cluster."
    return Prepared(between.cluster, observed, desired, plan, then, found)


def _before(
    inputs: Inputs, observed: dict[str, ObservedNode], plan: Plan, choices: RunOptions
) -> Prepared | None:
    """The plan that replaces containers with the present VRRP settings of the nodes.

    Returns:
        None if the nodes have different VRRP settings.
    """
    settings = changing(plan.coordinated)
    now = with_running_settings(inputs.cluster, observed)
    if now is None:
        return None
    cluster, password = now
    desired = desired_state(inputs, cluster, observed, password, choices)
    then = f"After that, {settings} on all nodes together."
    # The user confirms the removals of the second plan before the first one begins.
    first = make_plan(cluster, desired, observed)
    unheard = tuple(forgotten_warnings(inputs.cluster, desired, plan.coordinated))
    first = dataclasses.replace(first, removes=plan.removes, warnings=(*first.warnings, *unheard))
    return Prepared(cluster, observed, desired, first, then)


def _raise_if_locked(observed: Mapping[str, ObservedNode]) -> None:
    """Raise if another run is changing the nodes, since that run may cause the problems.

    Raises:
        LockedError: there is such a run, or a script of an earlier run.
    """
    for node, state in observed.items():
        if state.lock:
            error = locked(state.lock, node=node, operation="observing")
            if not error.ending or state.lock.get("working"):
                raise error
