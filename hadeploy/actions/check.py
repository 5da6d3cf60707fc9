"""`check`: all requirements, on all nodes in parallel."""

from __future__ import annotations

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.result import Result
from hadeploy.check.catalogue import refuse_unknown
from hadeploy.check.finding import Finding, failures
from hadeploy.plan.inputs import RunOptions
from hadeploy.rollout.check_nodes import check_all


def check_nodes(deployment: Deployment, skip: tuple[str, ...], result: Result) -> list[Finding]:
    """Run every possible check; if a node is unreachable, the others are still checked."""
    inputs = deployment.inputs()
    result.cluster = inputs.cluster.name
    refuse_unknown(skip, essential=True)
    dialer = deployment.dialer()
    with deployment.ui.progress(inputs.cluster) as progress:
        result.checks = check_all(inputs, dialer, progress, RunOptions(skip=skip))
        if failures(result.checks):
            progress.failed()
    return result.checks
