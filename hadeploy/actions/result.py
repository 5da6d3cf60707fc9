"""What an action found and did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hadeploy.check.model import Finding
    from hadeploy.diagnose.model import Diagnosis
    from hadeploy.plan.model import Plan
    from hadeploy.rollout.prepare import Prepared
    from hadeploy.rollout.validation import ConfigWarning
    from hadeploy.verify.model import Proof


@dataclass
class Result:
    """What an action found and did, filled in as it goes: after an error it has all until then.

    Attributes:
        cluster: the cluster's name.
        plan: what was done, or would be.
        prepared: each plan with what it was made from, in order.
        checks: what the checks of the plan found.
        config_warnings: what haproxy and keepalived warn of in the new configuration.
        proofs: whether clients are served, proof by proof.
        diagnosis: why proofs failed.
        vip_wait_seconds: seconds that the VIP took to answer after the last change.
    """

    cluster: str | None = None
    plan: Plan | None = None
    prepared: list[Prepared] = field(default_factory=list)
    checks: list[Finding] = field(default_factory=list)
    config_warnings: list[ConfigWarning] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    diagnosis: list[Diagnosis] = field(default_factory=list)
    vip_wait_seconds: float | None = None

    def add_findings(
        self, findings: list[Finding], tell: Callable[[Sequence[Finding]], None]
    ) -> None:
        """Keep what the last plan's checks found; tell each warning once in a run."""
        told = set(self.checks)
        tell([f for f in findings if f.verdict == "warn" and f not in told])
        self.checks = findings

    def add_config_warnings(
        self,
        warnings: Sequence[ConfigWarning],
        tell: Callable[[Sequence[ConfigWarning]], None],
    ) -> None:
        """Keep and tell each warning once, however often a run validates."""
        from hadeploy.rollout.validation import merged

        new = [w for w in merged(warnings) if w not in set(self.config_warnings)]
        tell(new)
        self.config_warnings += new

    def add_plan(self, plan: Plan) -> None:
        """Keep a plan that comes after those until now."""
        self.plan = self.plan.then(plan) if self.plan else plan
