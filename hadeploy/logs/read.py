"""`logs`: what the containers of all nodes have logged."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from hadeploy.desired.desired_node import ROLES
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.logs.feed import Feed, Remark
from hadeploy.logs.lines import Line
from hadeploy.logs.merge import merged
from hadeploy.logs.options import LogOptions
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose
from hadeploy.support.redact import Redactor

READ_SECONDS = 300
# As timeout(1) ends.
TIMED_OUT = "124"
# A follower's script ends by itself after this time, and another one goes on: of a machine that was
# cut off nothing stays on the nodes.
FOLLOW_SECONDS = 120
# To begin and to end.
SPARE_SECONDS = 60
# Of one node's lines, which are all kept until they are put in order. Log files are 30 MB for each
# container unless the inventory says otherwise.
MOST_READ = 256 * 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """What was read at once.

    Attributes:
        lines: of all containers, by time.
        absent: the containers that are not there, as (node, name).
        errors: why a node could not be reached, or a log not be read to its end.
    """

    lines: list[Line]
    absent: list[tuple[str, str]]
    errors: list[HadeployError]


def feed_of(node: str, wanted: LogOptions) -> Feed:
    """What is to be read of one node, from the beginning.

    Args:
        node: its label.
        wanted: which lines.
    """
    return Feed(
        node,
        wanted.containers,
        mark=secrets.token_hex(8),
        redact=Redactor(()).text,
        keep=wanted.grep.search if wanted.grep else lambda _: True,
    )


def logs_script(
    cluster: Cluster, feed: Feed, wanted: LogOptions, *, follow: bool, seconds: int | None = None
) -> str:
    """Reads one node's logs, or follows them, from where the feed is.

    Args:
        cluster: the inventory.
        feed: the node's.
        wanted: which lines, where the feed has none yet.
        follow: whether to wait for more.
        seconds: for how long at most; default: as long as is right for either.
    """
    verb = "follow_log" if follow else "report_log"
    names = dict(zip(ROLES, cluster.container_names, strict=True))
    lines = []
    for container in wanted.containers:
        words = [verb, container, names[container]]
        read_on = feed.since(container)
        if since := read_on or wanted.since:
            words += ["--since", since]
        if wanted.tail is not None and not read_on:
            words += ["--tail", str(wanted.tail)]
        lines.append(shlex.join(words))
    return compose(
        "logs.sh",
        variables={
            "HD_CLUSTER": cluster.name,
            "HD_MARK": feed.mark,
            "HD_SECONDS": str(seconds or (FOLLOW_SECONDS if follow else READ_SECONDS)),
        },
        main="\n".join(['emit begin "$(date +%s)"', *lines, "wait", "emit end"]),
    )


def read(
    cluster: Cluster, sessions: Mapping[str, Session], feeds: Mapping[str, Feed], wanted: LogOptions
) -> Reading:
    """Read what there is, on all nodes in parallel.

    Args:
        cluster: the inventory.
        sessions: by node label.
        feeds: by node label.
        wanted: which lines.
    """
    parts, errors = try_each(
        lambda session: _read_node(cluster, session, feeds[session.node], wanted),
        sessions.values(),
    )
    return Reading(
        merged(line for part in parts for line in part.lines),
        [container for part in parts for container in part.absent],
        [*errors, *(error for part in parts for error in part.errors)],
    )


def _read_node(cluster: Cluster, session: Session, feed: Feed, wanted: LogOptions) -> Reading:
    lines: list[Line] = []
    remarks: dict[str, str] = {}

    size = 0

    def take(raw: str) -> None:
        nonlocal size
        said = feed.take(raw)
        if isinstance(said, Line):
            size += len(raw)
            if size > MOST_READ:
                raise _too_long(session.node)
            lines.append(said)
        elif isinstance(said, Remark):
            remarks[said.container] = said.text

    reply = session.run(
        logs_script(cluster, feed, wanted, follow=False),
        operation="reading the logs",
        on_message=feed.hear,
        on_line=take,
        seconds=len(wanted.containers) * READ_SECONDS + SPARE_SECONDS,
    )
    names: dict[str, str] = dict(zip(ROLES, cluster.container_names, strict=True))
    return Reading(
        lines,
        [(session.node, names[message.words[0]]) for message in reply.all("absent")],
        [
            HadeployError(
                f"it ended with exit status {status}, before the end of the log",
                node=session.node,
                operation=f"docker logs {names[container]}",
                detail=remarks.get(container),
                hint="ask for less: --since, --tail" if status == TIMED_OUT else None,
            )
            for container, status in (m.words for m in reply.all("cut-off") if len(m.words) == 2)
        ],
    )


def _too_long(node: str) -> HadeployError:
    return HadeployError(
        f"it has logged more than {MOST_READ // 1024**2} MB",
        node=node,
        operation="reading the logs",
        hint="ask for less: --since, --tail, --grep",
    )
