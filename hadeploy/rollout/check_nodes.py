"""`check`: runs the checks on every reachable node, and reports the others."""

from __future__ import annotations

from hadeploy.certificates.certificate import endpoints
from hadeploy.certificates.reader import CertificateReader
from hadeploy.check.certificates import compared_endpoints
from hadeploy.check.evaluate import without
from hadeploy.check.finding import Finding
from hadeploy.check.images import IMAGE
from hadeploy.check.ssh import connection_findings, refused
from hadeploy.desired.rendered_binds import has_templates
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.images.registry import ask_registries
from hadeploy.observe.gather import listen_seconds, try_observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import interface_of
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.progress import Progress
from hadeploy.remote.connect import Dialer
from hadeploy.remote.fanout import try_each
from hadeploy.rollout.checks import checked
from hadeploy.rollout.desired_state import desired_state
from hadeploy.rollout.file_ports import ports_of_files


def check_all(
    inputs: Inputs, dialer: Dialer, progress: Progress, choices: RunOptions
) -> list[Finding]:
    """Connect to all nodes and observe them in parallel, and run all possible checks.

    Args:
        inputs: of the run.
        dialer: how to connect.
        progress: receives the phases.
        choices: the checks to skip.

    Raises:
        NodesError: a file that the inventory names is invalid.
    """
    progress.phase("Connect")
    dialer.routes.prepare(inputs.cluster.nodes)
    sessions, away = try_each(dialer.connect, inputs.cluster.nodes)
    try:
        wrong = [error for error in away if error.code == ExitCode.USAGE]
        if wrong:
            raise NodesError(wrong)
        progress.phase("Check")
        by_node = {session.node: session for session in sessions}
        reader = CertificateReader(inputs.cluster, lambda: by_node)
        reader.begin()
        observed, blind = try_observe(
            inputs.cluster, by_node, depth="yes", listen=listen_seconds(inputs.cluster)
        )
        asked = (
            {} if IMAGE.id in choices.skip else ask_registries(inputs, observed, by_node, progress)
        )
        cluster = inputs.cluster
        certificates = reader.read([*endpoints(cluster), *compared_endpoints(cluster, observed)])
    finally:
        for session in sessions:
            session.close()
    ways = {node.label: dialer.way(node) for node in inputs.cluster.nodes}
    becoming = {node: session.becomes_root for node, session in by_node.items()}
    doors = connection_findings({node: ways[node] for node in observed})
    for error in [*away, *blind]:
        doors += refused(error, _way(error, ways))
    found = checked(
        inputs, observed, choices, asked=asked, becoming=becoming, certificates=certificates
    )
    return [*without(doors, choices.skip), *found, *_ports_of_files(inputs, observed, choices)]


def _ports_of_files(
    inputs: Inputs, observed: dict[str, ObservedNode], choices: RunOptions
) -> list[Finding]:
    """The ports in templates, on the nodes with enough facts to render them."""
    known = {
        node.label: observed[node.label]
        for node in inputs.cluster.nodes
        if node.label in observed and interface_of(node, observed[node.label])
    }
    if not has_templates(inputs.cluster) or not known:
        return []
    desired = desired_state(inputs, inputs.cluster, known, inputs.password)
    return ports_of_files(inputs, known, desired, choices)


def _way(error: HadeployError, ways: dict[str, str]) -> str:
    return ways.get(error.node or "", "?")
