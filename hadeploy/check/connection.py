"""How far each node let us in: reached, known, logged in, root."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.check.model import Finding
from hadeploy.errors import HadeployError

STAGES = {
    "ssh-reach": "an SSH server answers at {}",
    "ssh-host-key": "known_hosts has the key of {}",
    "ssh-login": "logged in as {}",
}


def let_in(where: Mapping[str, str]) -> list[Finding]:
    """Of nodes that a script ran on.

    Args:
        where: node label → how we went there, in words.
    """
    return [finding for node, place in where.items() for finding in _passed(node, place)]


def refused(error: HadeployError, where: str) -> list[Finding]:
    """Of a node that did not let us in: what went well, and what did not.

    Args:
        error: of the connection, or of the first script.
        where: how we went there, in words.
    """
    failed = error.stage or "tools"
    passed = [finding.check for finding in _passed(error.node, where)]
    well = passed.index(failed) if failed in passed else len(passed)
    message = error.message if error.operation is None else f"{error.operation}: {error.message}"
    _, config, entries = where.partition(" (ssh config: ")
    if failed in STAGES:
        message += f"{config}{entries}"
    return [
        *_passed(error.node, where)[:well],
        Finding(failed, error.node, "fail", message, error.hint, error.detail, code=error.code),
    ]


def _passed(node: str | None, where: str) -> list[Finding]:
    return [Finding(check, node, "pass", text.format(where)) for check, text in STAGES.items()]
