"""From an inventory and what was observed to a complete plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hadeploy.adopt.recognise import ByHand, read_classics, recognise_all
from hadeploy.adopt.side_by_side import beside_ours, differ, to_disable, with_disabling
from hadeploy.answers.answer import PROOF, PROOF_HERE
from hadeploy.certificates.certificate import Certificates
from hadeploy.check.archive import read_archive
from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import NOT_ASKED, Answered, CheckContext, Finding, failures
from hadeploy.check.network import INTERFACE
from hadeploy.check.our_folder import moved_folders
from hadeploy.check.registry import Asked
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.rendered_binds import has_templates
from hadeploy.errors import NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.parts import Image
from hadeploy.inventory.paths import beside
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import addressless
from hadeploy.plan.forgotten import forgotten_warnings
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.order import added_nodes
from hadeploy.plan.partial_rollout import refuse_partial
from hadeploy.plan.previous import Previous
from hadeploy.plan.rolling import as_outage, changing, interrupts_the_holder, make_plan
from hadeploy.plan.steps import Plan
from hadeploy.plan.vip_moves import refuse_unfit_winner
from hadeploy.plan.vrrp_settings import with_running_settings
from hadeploy.rollout.attribution import with_authors
from hadeploy.rollout.desired_state import desired_state, with_forgotten
from hadeploy.rollout.reply_errors import locked

if TYPE_CHECKING:
    from hadeploy.plan.joining import Introduction


@dataclass(frozen=True)
class Prepared:
    """A plan and what it was made from.

    Attributes:
        cluster: what the plan is for: the inventory, or what comes before it.
        observed: by node label.
        desired: by node label.
        plan: the steps.
        then: what follows in a plan of its own, as a sentence; "" if nothing does.
        by_hand: what was set up by hand and is taken over, by node label.
        compare_answers: whether clients must be answered as before the change.
        serves_here: whether this machine must be served, too.
        introductions: what the nodes get that learn of new ones and stay as they are, by label.
        before_removal: whether this is done while nodes that leave the cluster still take part.
        contents: what the inventory only points to, for the record.
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
        """How many steps there are now, and one for what follows."""
        return self.plan.changes + bool(self.then)


def prepare(
    inputs: Inputs,
    observed: dict[str, ObservedNode],
    *,
    check: bool,
    choices: RunOptions,
    previous: Previous | None = None,
    tell: Callable[[list[Finding]], None] = lambda _: None,
    answered: Answered = NOT_ASKED,
) -> Prepared:
    """Plan.

    Args:
        inputs: all that the run was given.
        observed: the nodes, by label.
        check: whether the nodes are checked first, and what fails is an error.
        choices: what the user says about this run.
        previous: what is wanted instead of the inventory.
        tell: given what the checks found, before anything is raised.
        answered: what registries and backends said, if they were asked.

    Raises:
        LockedError: something is in the way, and another run is just changing the nodes.
        NodesError: with everything that stands in the way.
    """
    if previous:
        inputs = dataclasses.replace(inputs, cluster=previous.cluster)
    if check:
        asked, certificates = answered.registries, answered.certificates
        findings = checked(inputs, observed, choices, asked=asked, certificates=certificates)
        tell(findings)
    else:
        # Without this not even the desired state can be told.
        context = CheckContext(inputs.cluster, observed)
        findings = [
            Finding(INTERFACE.id, node.label, "fail", *problem)
            for node, look in context.nodes
            for problem in addressless(node, look)
        ]
        findings += moved_folders(inputs.cluster, observed)
    problems = [finding.error() for finding in failures(findings)]
    if problems:
        _maybe_locked(observed)
        raise NodesError(problems)
    found = recognise_all(inputs.cluster, observed) if choices.adopt else {}
    beside = beside_ours(inputs.cluster, observed, found)
    if set(found) - beside:
        classics = read_classics({node: found[node] for node in set(found) - beside})
        if differ(observed, classics):
            beside = set(found)
    disabled = to_disable(inputs.cluster, observed, beside) if choices.adopt else {}
    taken = {node: by_hand for node, by_hand in found.items() if node not in beside}
    if taken:
        prepared = _adopted(inputs, observed, taken, choices)
    else:
        prepared = _planned(inputs, observed, choices, previous)
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
    """The same, where clients may be answered otherwise than before."""
    # Few runs change that.
    from hadeploy.plan.new_answers import with_new_answers  # noqa: PLC0415

    plan = with_new_answers(prepared.cluster, prepared.plan, prepared.observed)
    return dataclasses.replace(prepared, plan=plan, compare_answers=False)


def _planned(
    inputs: Inputs,
    observed: dict[str, ObservedNode],
    choices: RunOptions,
    previous: Previous | None,
) -> Prepared:
    """What makes the nodes as they should be, where nothing is taken over."""
    desired = (
        with_forgotten(previous.desired, observed, choices)
        if previous
        else desired_state(inputs, inputs.cluster, observed, inputs.password, choices)
    )
    only = choices.only or None
    plan = make_plan(inputs.cluster, desired, observed, only=only)
    refuse_partial(inputs.cluster, plan, observed, choices.partial)
    if not previous and not only and _nodes_change(inputs, observed, choices):
        # Few runs add or remove nodes.
        from hadeploy.rollout.stages import earlier_stage  # noqa: PLC0415

        if earlier := earlier_stage(inputs, plan, observed, choices):
            return earlier
    if interrupts_the_holder(plan):
        before = _before(inputs, observed, plan, choices)
        if before:
            # What would refuse the second plan refuses the first one.
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
    """What was set up by hand is replaced by ours, which speaks its language.

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
    """Containers are replaced under the VRRP settings that the nodes speak now.

    Returns:
        None if the nodes do not speak the same.
    """
    settings = changing(plan.together)
    now = with_running_settings(inputs.cluster, observed)
    if now is None:
        return None
    cluster, password = now
    desired = desired_state(inputs, cluster, observed, password, choices)
    then = f"After that, {settings} on all nodes together."
    # What the second plan takes away is confirmed before the first one begins.
    first = make_plan(cluster, desired, observed)
    unheard = tuple(forgotten_warnings(inputs.cluster, desired, plan.together))
    first = dataclasses.replace(first, removes=plan.removes, warnings=(*first.warnings, *unheard))
    return Prepared(cluster, observed, desired, first, then)


def _maybe_locked(observed: Mapping[str, ObservedNode]) -> None:
    """What another run is just replacing is not in the way; that run is.

    Raises:
        LockedError: there is such a run, or a script that it left behind.
    """
    for node, look in observed.items():
        if look.lock:
            error = locked(look.lock, node=node, operation="looking")
            if not error.ending or look.lock.get("working"):
                raise error


def checked(
    inputs: Inputs,
    observed: Mapping[str, ObservedNode],
    choices: RunOptions,
    *,
    asked: Mapping[str, Mapping[str, Asked]] | None = None,
    becoming: Mapping[str, str] | None = None,
    certificates: Certificates | None = None,
) -> list[Finding]:
    """What the checks find on the nodes that were observed.

    Args:
        inputs: all that the run was given.
        observed: by node label.
        choices: what the user says about this run.
        asked: by node label and reference, what registries said, if they were asked.
        becoming: by node label, how scripts become root there, in words.
        certificates: of the backends, if they were read.
    """
    cluster = inputs.cluster
    archives = {}
    for role in ("haproxy", "keepalived"):
        image: Image = getattr(cluster.images, role)
        # Only what some node lacks is looked for: it may be gone once all have it.
        lacks = any(
            look.docker is not None and image.reference not in look.images
            for look in observed.values()
        )
        if lacks and image.archive:
            archives[role] = read_archive(beside(inputs.folder, image.archive))
    context = CheckContext(
        cluster,
        observed,
        choices.adopt,
        archives,
        choices.forget,
        asked or {},
        becoming or {},
        certificates or Certificates(),
        choices.pruned,
        frozenset(
            link.mac for look in choices.departing.values() for link in look.host.links.values()
        ),
    )
    return evaluate(context, choices.skip)
