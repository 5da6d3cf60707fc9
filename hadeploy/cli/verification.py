"""The proofs at the end of a run, and why some failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.answers import answer
from hadeploy.cli.client_proofs import accepted, answered
from hadeploy.cli.cluster_run import Run
from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode
from hadeploy.observe.gather import observe
from hadeploy.observe.model import ObservedNode
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.unchanged import expected
from hadeploy.ui.render import render_proofs
from hadeploy.verify import certificates
from hadeploy.verify.model import Proof, failed
from hadeploy.verify.proofs import unreachable_proofs
from hadeploy.verify.wait import wait_for_proofs

CAUSES = (answer.PROOF, certificates.PROOF, certificates.SILENT)


def prove(
    run: Run,
    prepared: Prepared,
    outcome: Outcome,
    timeout: float,
    *,
    looks: Mapping[str, ObservedNode] | None = None,
    before: Mapping[str, ObservedNode] | None = None,
) -> None:
    """Wait for the proofs; if they fail, find out why.

    Args:
        run: the cluster.
        prepared: what should be.
        outcome: given the proofs and the diagnosis.
        timeout: seconds.
        looks: the nodes as they are, if somebody looked already.
        before: the nodes before the change, if there was one.
    """
    cluster = prepared.cluster
    first = [looks] if looks is not None else []
    reads = outcome.command in ("up", "verify")
    run.progress.phase("Verify")
    desired = expected(prepared, run.choices.only)
    outcome.proofs, observed = wait_for_proofs(
        cluster,
        desired,
        lambda: first.pop() if first else observe(cluster, run.sessions, listen=run.listen),
        run.progress,
        timeout=timeout,
        answered=lambda looks: answered(run, cluster, looks) if reads else [],
        here=answer.PROOF_HERE not in run.choices.skip,
    )
    outcome.proofs += [
        Proof(
            "node-left-out",
            "warn",
            f"{node} was left out: nothing is known of it, and it may hold the VIP, too",
            hint="when it is back: hadeploy up",
        )
        for node in run.choices.without
    ]
    outcome.proofs += unreachable_proofs(run.unreachable)
    if before is not None:
        from hadeploy.verify.new_backends import new_backend_proofs

        outcome.proofs += new_backend_proofs(cluster, before, observed)
    if reads:
        outcome.proofs += accepted(run, cluster, observed)
    # `up` comes before the API servers do.
    if failed(outcome.proofs) or outcome.command == "verify":
        from hadeploy.diagnose.evaluate import diagnose
        from hadeploy.diagnose.model import DiagnosisContext

        scene = DiagnosisContext(
            cluster, desired, observed, outcome.proofs, unreachable=run.unreachable
        )
        # A certificate that is refused, or a wrong answer, is a cause, and says what to do.
        if any(proof.name not in CAUSES for proof in failed(outcome.proofs)):
            from hadeploy.diagnose.diagnostics import collect_diagnostics

            run.progress.phase("Diagnose")
            scene = dataclasses.replace(scene, evidence=collect_diagnostics(cluster, run.sessions))
            run.progress.failed()
        outcome.diagnosis = diagnose(scene)


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
