"""Output of proofs, and of the next step after them."""

from __future__ import annotations

from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster
from hadeploy.ui.render import render_proofs
from hadeploy.verify.proof import failed

AFTER_ROLLBACK = (
    "The nodes have the configuration before the last change. If the inventory still has that "
    "change, the next `hadeploy up` applies it again."
)


def print_proofs(options: Options, outcome: Outcome) -> None:
    """Print the proofs and the diagnosis, and set the exit code."""
    failures = failed(outcome.proofs)
    outcome.code = ExitCode.NOT_PROVEN if failures else ExitCode.OK
    if not options.as_json:
        options.out.print(render_proofs(outcome.proofs))
        if outcome.diagnosis:
            from hadeploy.diagnose.render import render_diagnosis

            options.out.print(render_diagnosis(outcome.diagnosis), soft_wrap=True)
    if failures:
        text = f"{len(failures)} of {len(outcome.proofs)} proofs failed"
        options.err.print(text, style="bold red")


def print_next_step(options: Options, outcome: Outcome, *, rollback: bool) -> None:
    """Print the next step after `up`, if it changed something or backends are down.

    Args:
        options: the options of the command.
        outcome: the result of `up`.
        rollback: whether `up` was a rollback.
    """
    waiting = any(p.name == "backends-up" and p.verdict != "pass" for p in outcome.proofs)
    changed = any(prepared.changes for prepared in outcome.prepared)
    if not outcome.code and not options.as_json and (changed or waiting):
        text = AFTER_ROLLBACK if rollback else next_step(outcome.prepared[-1].cluster)
        options.out.print(text, soft_wrap=True)


def next_step(cluster: Cluster) -> str:
    """The `kubeadm init` command for this load balancer."""
    vip, listener = cluster.vip[0], cluster.listeners[0]
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    others = ",".join(str(other.ip) for other in cluster.vip[1:])
    # kubeadm adds only the endpoint to the certificate of the API server.
    names = f" --apiserver-cert-extra-sans {others}" if others else ""
    return (
        f"The load balancer is up on {host}:{listener.port}. Next, on the first control plane:\n"
        f"  kubeadm init --control-plane-endpoint {host}:{listener.port} --upload-certs{names}"
    )
