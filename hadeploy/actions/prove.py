"""The proofs at the end of a run, and why some failed."""

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
    looks: Mapping[str, ObservedNode] | None = None,
    before: Mapping[str, ObservedNode] | None = None,
) -> None:
    """Wait for the proofs; if they fail, find out why. The run's result gets both.

    Args:
        run: the cluster.
        prepared: what should be.
        timeout: seconds.
        certificates_too: whether the backends' certificates are read, and what they answer.
        always_diagnose: whether warnings are diagnosed, too. `up` comes before the API servers do.
        looks: the nodes as they are, if somebody looked already.
        before: the nodes before the change, if there was one.
    """
    cluster, result = prepared.cluster, run.result
    first = [looks] if looks is not None else []
    run.progress.phase("Verify")
    desired = expected(prepared, run.choices.only)
    result.proofs, observed = wait_for_proofs(
        cluster,
        desired,
        lambda: first.pop() if first else observe(cluster, run.sessions, listen=run.listen),
        run.progress,
        timeout=timeout,
        answered=lambda looks: answered(run, cluster, looks) if certificates_too else [],
        here=answer.PROOF_HERE not in run.choices.skip,
    )
    result.proofs += [
        Proof(
            "node-left-out",
            "warn",
            f"{node} was left out: nothing is known of it, and it may hold the VIP, too",
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
        # A certificate that is refused, or a wrong answer, is a cause, and says what to do.
        if any(proof.name not in CAUSES for proof in failed(result.proofs)):
            from hadeploy.diagnose.diagnostics import collect_diagnostics

            run.progress.phase("Diagnose")
            context = dataclasses.replace(
                context, evidence=collect_diagnostics(cluster, run.sessions)
            )
            run.progress.failed()
        result.diagnosis = diagnose(context)
