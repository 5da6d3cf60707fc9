"""How far each node let us in: reached, known, logged in, root."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.check import machine
from hadeploy.check.entry import Check
from hadeploy.check.finding import Finding
from hadeploy.errors import HadeployError

SSH_REACH = Check(
    "ssh-reach",
    "SSH answers",
    "an SSH server answers at the node's address and port, through every jump host; the "
    "message names the entries of the ssh config that were used",
    "start the node or its sshd, open the firewall, correct `ssh.host` or `ssh.port`",
    essential=True,
)
SSH_HOST_KEY = Check(
    "ssh-host-key",
    "host key known",
    "the server's host key is the one in known_hosts",
    "compare the fingerprint and connect once with ssh, or `--accept-new-host-keys`; a key "
    "that has changed is never accepted",
    essential=True,
)
SSH_LOGIN = Check(
    "ssh-login",
    "login",
    "the server lets us in",
    "correct `ssh.user` and `ssh.identity_file`, or load the key into ssh-agent",
    essential=True,
)
STAGES = {
    SSH_REACH.id: "an SSH server answers at {}",
    SSH_HOST_KEY.id: "known_hosts has the key of {}",
    SSH_LOGIN.id: "logged in as {}",
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
    failed = error.stage or machine.TOOLS.id
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
