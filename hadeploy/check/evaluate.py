"""All checks on all nodes. Pure."""

from __future__ import annotations

from collections.abc import Collection

from hadeploy.check.all_checks import CHECKS, IDS
from hadeploy.check.finding import CheckContext, Finding


def evaluate(context: CheckContext, skip: Collection[str] = ()) -> list[Finding]:
    """Every finding, nodes in the inventory's order, and at the end what concerns no single node.

    Args:
        context: what was observed.
        skip: ids of checks to leave out.
    """
    found = [
        finding
        for node, look in context.nodes
        for check in CHECKS
        for judge in check.for_nodes
        for finding in judge(context, node, look)
    ]
    found += [
        finding for check in CHECKS for judge in check.for_clusters for finding in judge(context)
    ]
    return without(found, skip)


def without(findings: list[Finding], skip: Collection[str]) -> list[Finding]:
    """Those of the checks that are not skipped."""
    return [finding for finding in findings if finding.check not in skip]


def in_order(findings: list[Finding]) -> list[Finding]:
    """By check in the catalogue's order, then as they are."""
    return sorted(findings, key=lambda finding: IDS.index(finding.check))
