"""The checks on observed nodes."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.certificates.certificate import Certificates
from hadeploy.check.archive import Archive, read_archive
from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.check.registry import Asked
from hadeploy.desired.roles import ROLES
from hadeploy.inventory.parts import Image
from hadeploy.inventory.paths import beside
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs, RunOptions


def checked(
    inputs: Inputs,
    observed: Mapping[str, ObservedNode],
    choices: RunOptions,
    *,
    asked: Mapping[str, Mapping[str, Asked]] | None = None,
    becoming: Mapping[str, str] | None = None,
    certificates: Certificates | None = None,
) -> list[Finding]:
    """The findings of the checks on the observed nodes.

    Args:
        inputs: of the run.
        observed: by node label.
        choices: the options of the run.
        asked: by node label and reference, the answers of registries, if they were asked.
        becoming: by node label, how scripts become root there, for display.
        certificates: of the backends, if they were read.
    """
    cluster = inputs.cluster
    archives: dict[str, Archive] = {}
    for role in ROLES:
        image: Image = getattr(cluster.images, role)
        # Read only if a node lacks the image: the archive may be missing once all nodes have it.
        lacks = any(
            state.docker is not None and image.reference not in state.images
            for state in observed.values()
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
            link.mac for state in choices.departing.values() for link in state.host.links.values()
        ),
    )
    return evaluate(context, choices.skip)
