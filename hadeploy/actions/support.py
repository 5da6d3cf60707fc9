"""`support`: collect what a bug report needs."""

from __future__ import annotations

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.result import Result
from hadeploy.support.collect import Report, gather


def collect_report(deployment: Deployment, result: Result) -> Report:
    """Collect it from the nodes that can be reached."""
    inputs = deployment.inputs()
    result.cluster = inputs.cluster.name
    dialer = deployment.dialer()
    with deployment.ui.progress(inputs.cluster) as progress:
        report = gather(inputs, dialer, progress)
        if report.errors:
            progress.failed()
    result.plan, result.checks = report.plan, report.checks
    result.proofs, result.diagnosis = report.proofs, report.diagnosis
    return report
