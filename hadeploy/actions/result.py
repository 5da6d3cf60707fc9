"""The result of an action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadeploy.check.finding import Finding
    from hadeploy.diagnose.diagnosis import Diagnosis
    from hadeploy.drill.record import DrillRecord
    from hadeploy.images.load import Delivery
    from hadeploy.plan.steps import Plan
    from hadeploy.rollout.prepare import Prepared
    from hadeploy.rollout.validation import ConfigWarning
    from hadeploy.verify.proof import Proof


@dataclass
class Result:
    """The result of an action; filled in step by step, so that it is useful after an error.

    Attributes:
        cluster: the cluster's name.
        plan: the steps of this run.
        prepared: each plan with its inputs, in order.
        checks: the findings of checks.
        config_warnings: warnings of haproxy and keepalived about the new configuration.
        proofs: each proof and its verdict.
        diagnosis: the causes of failed proofs.
        vip_wait_seconds: seconds until the VIP answered after the last change.
        images: the images that were saved here, or are on a node.
        drill: what a drill did.
    """

    cluster: str | None = None
    plan: Plan | None = None
    prepared: list[Prepared] = field(default_factory=list)
    checks: list[Finding] = field(default_factory=list)
    config_warnings: list[ConfigWarning] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    diagnosis: list[Diagnosis] = field(default_factory=list)
    vip_wait_seconds: float | None = None
    images: list[Delivery] = field(default_factory=list)
    drill: DrillRecord | None = None

    def add_findings(
        self, findings: list[Finding], report: Callable[[Sequence[Finding]], None]
    ) -> None:
        """Replace the findings by those of the latest plan; report each warning once."""
        reported = set(self.checks)
        report([f for f in findings if f.verdict == "warn" and f not in reported])
        self.checks = findings

    def add_config_warnings(
        self,
        warnings: Sequence[ConfigWarning],
        report: Callable[[Sequence[ConfigWarning]], None],
    ) -> None:
        """Add and report new warnings."""
        from hadeploy.rollout.validation import merged

        new = [w for w in merged(warnings) if w not in set(self.config_warnings)]
        report(new)
        self.config_warnings += new

    def add_plan(self, plan: Plan) -> None:
        """Append the steps of a plan."""
        self.plan = self.plan.then(plan) if self.plan else plan
