"""Warnings, each told once in a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome

if TYPE_CHECKING:
    from hadeploy.check.model import Finding
    from hadeploy.rollout.validation import ConfigWarning


def tell_config_warnings(
    options: Options, outcome: Outcome, warnings: Sequence[ConfigWarning]
) -> None:
    """Each warning of haproxy and keepalived once, however often a run validates."""
    from hadeploy.rollout.validation import merged
    from hadeploy.ui.render import config_warning_line

    told = set(outcome.config_warnings)
    for warning in merged(warnings):
        if warning not in told:
            options.err.print(config_warning_line(warning), soft_wrap=True)
            outcome.config_warnings.append(warning)


def tell_findings(options: Options, outcome: Outcome, findings: list[Finding]) -> None:
    """Each warning once, however often a run plans anew; failures are told as errors."""
    from hadeploy.check.render import finding_line

    told = set(outcome.checks)
    for finding in findings:
        if finding.verdict == "warn" and finding not in told:
            options.err.print(finding_line(finding), soft_wrap=True)
    outcome.checks = findings
