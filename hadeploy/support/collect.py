"""Collects diagnostics for `support` from all nodes that can be reached; errors do not stop it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hadeploy.check.finding import Finding
from hadeploy.check.ssh import refused
from hadeploy.desired import layout
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.diagnose.diagnostics import collect_diagnostics
from hadeploy.diagnose.evaluate import diagnose
from hadeploy.errors import HadeployError, NodesError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.gather import listen_seconds, try_observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.steps import Plan
from hadeploy.progress import Progress
from hadeploy.remote.connect import Dialer
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.rollout.checks import checked
from hadeploy.rollout.prepare import prepare
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Reply
from hadeploy.support.redact import Redactor, found_in
from hadeploy.verify.proof import Proof
from hadeploy.verify.proofs import prove

LOG_LINES, MAX_BYTES = 500, 256 * 1024


@dataclass
class Report:
    """The collected diagnostics.

    Attributes:
        cluster: the inventory.
        redactor: removes the secrets of the cluster from texts.
        observed: by node label.
        replies: of support.sh, by node label.
        errors: of the parts that could not be collected.
    """

    cluster: Cluster
    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    observed: dict[str, ObservedNode] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    checks: list[Finding] = field(default_factory=list)
    plan: Plan | None = None
    proofs: list[Proof] = field(default_factory=list)
    diagnosis: list[Diagnosis] = field(default_factory=list)
    errors: list[HadeployError] = field(default_factory=list)


def support_script(cluster: Cluster) -> str:
    """The script that collects, the same for every node. Pure."""
    return compose(
        "support.sh",
        variables={
            "HD_CLUSTER": cluster.name,
            "HD_ROOT": cluster.root,
            "HD_HAPROXY": cluster.container_names[0],
            "HD_KEEPALIVED": cluster.container_names[1],
            "HD_LINES": str(LOG_LINES),
            "HD_BYTES": str(MAX_BYTES),
        },
    )


def gather(inputs: Inputs, dialer: Dialer, progress: Progress) -> Report:
    """Collect diagnostics from all nodes.

    Args:
        inputs: the inputs of the run.
        dialer: connects to the nodes.
        progress: receives events.
    """
    report = Report(inputs.cluster)
    progress.phase("Connect")
    dialer.routes.prepare(inputs.cluster.nodes)
    connected, connect_errors = try_each(dialer.connect, inputs.cluster.nodes)
    sessions = {session.node: session for session in connected}
    try:
        progress.phase("Collect")
        script = support_script(inputs.cluster)
        replies, script_errors = try_each(
            lambda s: (s.node, s.run(script, operation="collecting diagnostics")), connected
        )
        report.replies = dict(replies)
        progress.phase("Check")
        report.observed, observe_errors = try_observe(
            inputs.cluster, sessions, depth="yes", listen=listen_seconds(inputs.cluster)
        )
        report.errors = [*connect_errors, *script_errors, *observe_errors]
        unreachable = [*connect_errors, *observe_errors]
        ways = {node.label: dialer.way(node) for node in inputs.cluster.nodes}
        for error in unreachable:
            report.checks += refused(error, ways.get(error.node or "", "?"))
        if report.observed:
            observable = {label: sessions[label] for label in report.observed}
            by_node = {error.node or "": error for error in unreachable}
            _evaluate(inputs, observable, progress, report, by_node)
    finally:
        for session in connected:
            session.close()
    report.redactor = redactor_of(inputs, dialer, report.observed)
    return report


def _evaluate(
    inputs: Inputs,
    sessions: Mapping[str, Session],
    progress: Progress,
    report: Report,
    unreachable: Mapping[str, HadeployError],
) -> None:
    try:
        report.checks += checked(inputs, report.observed, RunOptions())
        prepared = prepare(inputs, report.observed, check=False, choices=RunOptions())
        report.plan = prepared.plan
        progress.phase("Diagnose")
        report.proofs = prove(prepared.cluster, prepared.desired, prepared.observed)
        diagnostics = collect_diagnostics(prepared.cluster, sessions)
        report.diagnosis = diagnose(
            DiagnosisContext(
                prepared.cluster,
                prepared.desired,
                prepared.observed,
                report.proofs,
                diagnostics,
                unreachable,
            )
        )
    except HadeployError as error:
        report.errors += error.errors if isinstance(error, NodesError) else [error]


def redactor_of(inputs: Inputs, dialer: Dialer, observed: Mapping[str, ObservedNode]) -> Redactor:
    """A redactor for the secrets of the run and of the configurations on the nodes.

    Args:
        inputs: has the VRRP password.
        dialer: has the sudo password.
        observed: by node label.
    """
    given = (inputs.password, dialer.sudo_password)
    found = [
        secret
        for state in observed.values()
        for file in state.files
        if file.path.endswith((layout.HAPROXY_CFG, layout.KEEPALIVED_CONF))
        for secret in found_in(file.content.decode("utf-8", "replace"))
    ]
    return Redactor([*(secret.get_secret_value() for secret in given if secret), *found])
