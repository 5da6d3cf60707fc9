"""How proofs are shown, and what follows from them."""

from __future__ import annotations

from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster
from hadeploy.ui.render import render_proofs
from hadeploy.verify.proof import failed

AFTER_ROLLBACK = (
    "The nodes have the configuration before the last change. Where the inventory still asks for "
    "that change, the next `hadeploy up` makes it again."
)


def tell_proofs(options: Options, outcome: Outcome) -> None:
    """Print the proofs and why some failed, and set the exit code by them."""
    wrong = failed(outcome.proofs)
    outcome.code = ExitCode.NOT_PROVEN if wrong else ExitCode.OK
    if not options.as_json:
        options.out.print(render_proofs(outcome.proofs))
        if outcome.diagnosis:
            from hadeploy.diagnose.render import render_diagnosis

            options.out.print(render_diagnosis(outcome.diagnosis), soft_wrap=True)
    if wrong:
        options.err.print(f"{len(wrong)} of {len(outcome.proofs)} proofs failed", style="bold red")


def tell_next_step(options: Options, outcome: Outcome, *, rollback: bool) -> None:
    """Say what comes next, if the cluster serves and that is not known yet.

    Args:
        options: the command's.
        outcome: of `up`.
        rollback: whether it has gone back.
    """
    waits = any(p.name == "backends-up" and p.verdict != "pass" for p in outcome.proofs)
    changed = any(prepared.changes for prepared in outcome.prepared)
    if not outcome.code and not options.as_json and (changed or waits):
        said = AFTER_ROLLBACK if rollback else next_step(outcome.prepared[-1].cluster)
        options.out.print(said, soft_wrap=True)


def next_step(cluster: Cluster) -> str:
    """What comes after us."""
    vip, listener = cluster.vip[0], cluster.listeners[0]
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    others = ",".join(str(other.ip) for other in cluster.vip[1:])
    # kubeadm puts only the endpoint into the API server's certificate by itself.
    names = f" --apiserver-cert-extra-sans {others}" if others else ""
    return (
        f"The load balancer is up on {host}:{listener.port}. Next, on the first control plane:\n"
        f"  kubeadm init --control-plane-endpoint {host}:{listener.port} --upload-certs{names}"
    )
