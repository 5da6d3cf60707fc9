"""All checks on all nodes. Pure."""

from __future__ import annotations

from collections.abc import Collection

from hadeploy.check.all_checks import CHECKS, IDS
from hadeploy.check.finding import CheckContext, Finding


def evaluate(context: CheckContext, skip: Collection[str] = ()) -> list[Finding]:
    """All findings: nodes in the order of the inventory, then those of no single node.

    Args:
        context: the observation.
        skip: ids of checks to leave out.
    """
    found = [
        finding
        for node, state in context.nodes
        for check in CHECKS
        for judge in check.for_nodes
        for finding in judge(context, node, state)
    ]
    found += [
        finding for check in CHECKS for judge in check.for_clusters for finding in judge(context)
    ]
    return without(found, skip)


def without(findings: list[Finding], skip: Collection[str]) -> list[Finding]:
    """The findings of checks that are not skipped."""
    return [finding for finding in findings if finding.check not in skip]


def in_order(findings: list[Finding]) -> list[Finding]:
    """The findings in the order of the checks."""
    return sorted(findings, key=lambda finding: IDS.index(finding.check))
