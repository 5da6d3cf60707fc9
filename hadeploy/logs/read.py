"""Reads the logs of the containers on all nodes."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from hadeploy.desired.roles import ROLES
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.logs.feed import DockerMessage, Feed
from hadeploy.logs.lines import Line
from hadeploy.logs.merge import merged
from hadeploy.logs.options import LogOptions
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose
from hadeploy.support.redact import Redactor

READ_SECONDS = 300
# The exit status of timeout(1).
TIMED_OUT = "124"
# The script of a follower ends after this time, and the next one continues. So nothing stays on the
# nodes if this machine is gone.
FOLLOW_SECONDS = 120
# To start and to end a script.
SPARE_SECONDS = 60
# Bytes of the lines of one node, which stay in memory until they are sorted. The default limit of a
# log file is 30 MB per container.
MAX_READ = 256 * 1024 * 1024


@dataclass(frozen=True)
class Reading:
    """The logs of all nodes.

    Attributes:
        lines: of all containers, sorted by time.
        absent: the missing containers, as (node, name).
        errors: of nodes that could not be reached and logs that could not be read completely.
    """

    lines: list[Line]
    absent: list[tuple[str, str]]
    errors: list[HadeployError]


def new_feed(node: str, options: LogOptions) -> Feed:
    """A feed for the lines of one node that match the options."""
    return Feed(
        node,
        options.containers,
        mark=secrets.token_hex(8),
        redact=Redactor(()).text,
        keep=options.grep.search if options.grep else lambda _: True,
    )


def logs_script(
    cluster: Cluster, feed: Feed, options: LogOptions, *, follow: bool, seconds: int | None = None
) -> str:
    """The script that reads or follows the logs of one node. Pure.

    Args:
        cluster: the inventory.
        feed: has the positions at which to continue.
        options: apply to logs without a position.
        follow: whether to wait for new lines.
        seconds: the time limit; default: FOLLOW_SECONDS or READ_SECONDS.
    """
    verb = "follow_log" if follow else "report_log"
    names = dict(zip(ROLES, cluster.container_names, strict=True))
    lines = []
    for container in options.containers:
        words = [verb, container, names[container]]
        position = feed.since(container)
        if since := position or options.since:
            words += ["--since", since]
        if options.tail is not None and not position:
            words += ["--tail", str(options.tail)]
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
    cluster: Cluster,
    sessions: Mapping[str, Session],
    feeds: Mapping[str, Feed],
    options: LogOptions,
) -> Reading:
    """Read the logs of all nodes in parallel; sessions and feeds are by node label."""
    parts, errors = try_each(
        lambda session: _read_node(cluster, session, feeds[session.node], options),
        sessions.values(),
    )
    return Reading(
        merged(line for part in parts for line in part.lines),
        [container for part in parts for container in part.absent],
        [*errors, *(error for part in parts for error in part.errors)],
    )


def _read_node(cluster: Cluster, session: Session, feed: Feed, options: LogOptions) -> Reading:
    lines: list[Line] = []
    docker_messages: dict[str, str] = {}

    size = 0

    def parse(raw: str) -> None:
        nonlocal size
        parsed = feed.parse(raw)
        if isinstance(parsed, Line):
            size += len(raw)
            if size > MAX_READ:
                raise _too_large(session.node)
            lines.append(parsed)
        elif isinstance(parsed, DockerMessage):
            docker_messages[parsed.container] = parsed.text

    reply = session.run(
        logs_script(cluster, feed, options, follow=False),
        operation="reading the logs",
        on_message=feed.receive,
        on_line=parse,
        seconds=len(options.containers) * READ_SECONDS + SPARE_SECONDS,
    )
    names: dict[str, str] = dict(zip(ROLES, cluster.container_names, strict=True))
    return Reading(
        lines,
        [(session.node, names[message.words[0]]) for message in reply.all("absent")],
        [
            HadeployError(
                f"exit status {status} before the end of the log",
                node=session.node,
                operation=f"docker logs {names[container]}",
                detail=docker_messages.get(container),
                hint="select fewer lines: --since, --tail" if status == TIMED_OUT else None,
            )
            for container, status in (m.words for m in reply.all("cut-off") if len(m.words) == 2)
        ],
    )


def _too_large(node: str) -> HadeployError:
    return HadeployError(
        f"the logs have more than {MAX_READ // 1024**2} MB",
        node=node,
        operation="reading the logs",
        hint="select fewer lines: --since, --tail, --grep",
    )
