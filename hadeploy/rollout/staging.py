"""Stages new files beside the live ones, and validates them with the images that will run them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from hadeploy.desired import layout
from hadeploy.errors import HadeployError
from hadeploy.observe.parsing import parsing
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each, try_each
from hadeploy.remote.script_errors import HINT
from hadeploy.remote.session import Session
from hadeploy.rollout.lock import Lock, take
from hadeploy.rollout.prepare import Prepared
from hadeploy.rollout.reply_errors import refuse
from hadeploy.rollout.staging_scripts import stage_script
from hadeploy.rollout.validation import ConfigWarning, Warn, config_warnings
from hadeploy.scripts.protocol import Message


def stage_all(
    prepared: Prepared,
    nodes: list[str],
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
    warn: Warn = lambda _: None,
) -> dict[str, str]:
    """Take the lock on all nodes, and stage and validate files on the nodes that will change.

    Args:
        prepared: the plan.
        nodes: labels of the nodes that will change.
        lock: taken on all nodes.
        sessions: to all nodes.
        progress: receives the operations.
        warn: receives the warnings of the programs.

    Returns:
        The fingerprints of the nodes that will change, after staging.

    Raises:
        LockedError: another run holds the lock.
        NodesError: with all refusals; the staged files are removed.
    """
    desired = prepared.desired
    scripts = {
        node: stage_script(
            prepared.cluster,
            desired[node],
            prepared.plan.roles(node),
            lock,
            prepared.observed[node].fingerprint,
        )
        for node in nodes
    }

    def report(node: str, message: Message) -> None:
        if message.kind == "validating":
            progress.node(node, f"checking the {message.words[0]} configuration")

    warnings: list[ConfigWarning] = []

    def judge(node: str) -> tuple[str, str]:
        reply = replies[node]
        with parsing(node, "validating", HINT):
            refuse(reply, node, "validating")
            warnings.extend(config_warnings(reply, desired[node], "validating"))
            fingerprint = reply.all("fingerprint")[0].words[0]
        progress.node(node, "configuration checked", "ok")
        return node, fingerprint

    try:
        replies = take(lock, sessions, scripts, report)
        fingerprints = dict(each(judge, nodes))
    except HadeployError:
        root = shlex.quote(f"{prepared.cluster.root}/{layout.STAGING}")
        script = lock.script(f"lock_keep\nrm -rf {root}")
        try_each(lambda node: sessions[node].run(script, operation="cleaning up"), nodes)
        raise
    warn(warnings)
    return fingerprints
