"""The proofs at the end of a run, and the diagnosis of those that fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from hadeploy.actions.client_proofs import accepted, answered
from hadeploy.actions.run import Run
from hadeploy.answers import answer
from hadeploy.observe.gather import observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.unchanged import expected
from hadeploy.verify import certificates
from hadeploy.verify.proof import Proof, failed
from hadeploy.verify.proofs import unreachable_proofs
from hadeploy.verify.wait import wait_for_proofs

CAUSES = (answer.PROOF, certificates.PROOF, certificates.SILENT)


def prove(
    run: Run,
    prepared: Prepared,
    timeout: float,
    *,
    certificates_too: bool = False,
    always_diagnose: bool = False,
    latest: Mapping[str, ObservedNode] | None = None,
    before: Mapping[str, ObservedNode] | None = None,
) -> None:
    """Wait until the proofs hold, and diagnose failed proofs; the run's result receives both.

    Args:
        prepared: the plan with its inputs.
        timeout: seconds.
        certificates_too: also prove the certificates and the answers of backends.
        always_diagnose: also diagnose warnings. `up` does not: it runs before API servers exist.
        latest: a recent observation to start with; None observes first.
        before: the nodes before the change; None if nothing changed.
    """
    cluster, result = prepared.cluster, run.result
    unused = [latest] if latest is not None else []
    run.progress.phase("Verify")
    desired = expected(prepared, run.choices.only)
    result.proofs, observed = wait_for_proofs(
        cluster,
        desired,
        lambda: unused.pop() if unused else observe(cluster, run.sessions, listen=run.listen),
        run.progress,
        timeout=timeout,
        answered=lambda nodes: answered(run, cluster, nodes) if certificates_too else [],
        here=answer.PROOF_HERE not in run.choices.skip,
    )
    result.proofs += [
        Proof(
            "node-left-out",
            "warn",
            f"{node} was left out: its state is unknown, and it may also hold the VIP",
            hint="when it is back: hadeploy up",
        )
        for node in run.choices.without
    ]
    result.proofs += unreachable_proofs(run.unreachable)
    if before is not None:
        from hadeploy.verify.new_backends import new_backend_proofs

        result.proofs += new_backend_proofs(cluster, before, observed)
    if certificates_too:
        result.proofs += accepted(run, cluster, observed)
    if failed(result.proofs) or always_diagnose:
        from hadeploy.diagnose.diagnosis import DiagnosisContext
        from hadeploy.diagnose.evaluate import diagnose

        context = DiagnosisContext(
            cluster, desired, observed, result.proofs, unreachable=run.unreachable
        )
        # A proof in CAUSES is its own diagnosis, with a fix.
        if any(proof.name not in CAUSES for proof in failed(result.proofs)):
            from hadeploy.diagnose.diagnostics import collect_diagnostics

            run.progress.phase("Diagnose")
            context = dataclasses.replace(
                context, evidence=collect_diagnostics(cluster, run.sessions)
            )
            run.progress.failed()
        result.diagnosis = diagnose(context)
