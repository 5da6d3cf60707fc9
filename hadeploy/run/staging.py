"""New files beside the live ones, checked by the images that will run them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from hadeploy.desired import layout
from hadeploy.desired.model import DesiredNode
from hadeploy.errors import HadeployError
from hadeploy.plan.texts import shown
from hadeploy.run.lock import Lock, take
from hadeploy.run.prepare import Prepared
from hadeploy.run.progress import Progress
from hadeploy.run.refusal import refuse
from hadeploy.run.scripts import stage_script
from hadeploy.transport.fanout import each, try_each
from hadeploy.transport.protocol import Message, Reply
from hadeploy.transport.session import Session

_FILES = {"haproxy": layout.HAPROXY_CFG, "keepalived": layout.KEEPALIVED_CONF}
# "[…/haproxy.cfg:26]" and "(…/keepalived.conf: Line 36)".
_PLACES = re.compile(r"(?:haproxy\.cfg:|\bLine )(\d{1,6})\b")


def stage_all(
    prepared: Prepared,
    nodes: list[str],
    lock: Lock,
    sessions: Mapping[str, Session],
    progress: Progress,
) -> dict[str, str]:
    """Take the lock on all nodes, and stage and validate on those that will change.

    Returns:
        The fingerprints of those afterwards.

    Raises:
        LockedError: somebody else has the lock.
        NodesError: with every refusal; what was staged is removed again.
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

    def tell(node: str, message: Message) -> None:
        if message.kind == "validating":
            progress.node(node, f"checking the {message.words[0]} configuration")

    def judge(node: str) -> tuple[str, str]:
        return node, _judged(replies[node], desired[node], node, progress)

    try:
        replies = take(lock, sessions, scripts, tell)
        return dict(each(judge, nodes))
    except HadeployError:
        root = shlex.quote(f"{prepared.cluster.root}/{layout.STAGING}")
        script = lock.script(f"lock_keep\nrm -rf {root}")
        try_each(lambda node: sessions[node].run(script, doing="cleaning up"), nodes)
        raise


def _judged(reply: Reply, desired: DesiredNode, node: str, progress: Progress) -> str:
    """What came of staging one node's files and having them checked by the images that run them.

    Args:
        reply: to `stage_script`.
        desired: what that was made from.
        node: its label.
        progress: told.

    Returns:
        The node's fingerprint afterwards.

    Raises:
        HadeployError: with the program's own words and the line that it refused.
    """
    refuse(reply, node, "validating")
    refused = reply.all("refused")
    if refused:
        role = refused[0].words[0]
        said = next(m.text for m in reply.all("validating") if m.words[0] == role)
        raise HadeployError(
            f"{role} refuses the new configuration",
            node=node,
            doing="validating",
            detail="\n".join([said, *refused_lines(said, desired.file(_FILES[role]).content)]),
            hint="no live file was changed; `hadeploy render` writes the files to look at",
        )
    if reply.all("failed"):
        raise HadeployError(
            "staging the files failed",
            node=node,
            doing="validating",
            detail=reply.said,
            hint="is there space, and may root write there? (paths.root)",
        )
    progress.node(node, "configuration checked", "ok")
    return reply.all("fingerprint")[0].words[0]


def refused_lines(said: str, rendered: str) -> list[str]:
    """The lines that a program names, as they were rendered, without secrets. Pure.

    Args:
        said: its own words.
        rendered: its file.
    """
    lines = dict(enumerate(shown(rendered).splitlines(), 1))
    named = sorted({int(number) for number in _PLACES.findall(said)})
    return [f"line {number}: {lines[number].strip()}" for number in named if number in lines]
