"""Findings of the connection to a node: SSH server, host key, login."""

from __future__ import annotations

from collections.abc import Mapping

from hadeploy.check import tools
from hadeploy.check.entry import Check
from hadeploy.check.finding import Finding
from hadeploy.errors import HadeployError

SSH_REACH = Check(
    "ssh-reach",
    "SSH answers",
    "an SSH server answers at the node's address and port, through every jump host; the "
    "message names the entries of the ssh config that apply",
    "start the node or its sshd, open the firewall, correct `ssh.host` or `ssh.port`",
    essential=True,
)
SSH_HOST_KEY = Check(
    "ssh-host-key",
    "host key known",
    "the server's host key is the one in known_hosts",
    "compare the fingerprint and connect once with ssh, or use `--accept-new-host-keys`; a "
    "changed key is never accepted",
    essential=True,
)
SSH_LOGIN = Check(
    "ssh-login",
    "login",
    "the server accepts the login",
    "correct `ssh.user` and `ssh.identity_file`, or load the key into ssh-agent",
    essential=True,
)
STAGES = {
    SSH_REACH.id: "an SSH server answers at {}",
    SSH_HOST_KEY.id: "known_hosts has the key of {}",
    SSH_LOGIN.id: "logged in as {}",
}


def connection_findings(where: Mapping[str, str]) -> list[Finding]:
    """The findings of nodes on which a script ran.

    Args:
        where: node label → description of the connection.
    """
    return [finding for node, place in where.items() for finding in _passed(node, place)]


def refused(error: HadeployError, where: str) -> list[Finding]:
    """The findings of a node whose connection failed: the passed stages, and the failed one.

    Args:
        error: the error of the connection, or of the first script.
        where: description of the connection.
    """
    failed = error.stage or tools.TOOLS.id
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
