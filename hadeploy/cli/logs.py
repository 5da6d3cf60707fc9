"""`hadeploy logs`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from contextlib import closing

import click
from rich.text import Text

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command
from hadeploy.desired.roles import ROLES, Role
from hadeploy.errors import HadeployError, NodesError
from hadeploy.logs.follow import Notice
from hadeploy.logs.lines import Line
from hadeploy.logs.options import LogOptions
from hadeploy.logs.read import Reading
from hadeploy.logs.render import LinePrinter, line_document
from hadeploy.logs.since import docker_since

# The default number of lines, without --since, --tail and --grep.
TAIL = 200


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    try:
        return None if value is None else docker_since(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}", ctx, param) from error


def _pattern(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> re.Pattern[str] | None:
    try:
        return None if value is None else re.compile(value)
    except re.error as error:
        raise click.BadParameter(
            f"{value!r} is not a regular expression: {error}", ctx, param
        ) from error


@click.command()
@click.option("-f", "--follow", "following", is_flag=True, help="Follow the logs until Ctrl-C.")
@click.option(
    "--since",
    metavar="WHEN",
    callback=_since,
    help="Start at a duration ago (90s, 10m, 1h30m) or a time (2026-07-03T14:05, UTC by default).",
)
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Only the last N lines of each container.  [default: {TAIL}; all with --since or --grep]",
)
@click.option(
    "--grep",
    metavar="REGEX",
    callback=_pattern,
    help="Only lines that match REGEX (Python syntax).",
)
@click.option("--node", multiple=True, metavar="NODE", help="Only this node; can be repeated.")
@click.option(
    "--container",
    type=click.Choice(ROLES),
    multiple=True,
    help="Only this container; can be repeated.",
)
@cluster_command
def logs(
    options: Options,
    following: bool,
    since: str | None,
    tail: int | None,
    grep: re.Pattern[str] | None,
    node: tuple[str, ...],
    container: tuple[Role, ...],
) -> None:
    """Show the logs of the containers on all nodes, sorted by time.

    Find past holders of the VIP: hadeploy logs --container keepalived --grep STATE
    """
    cluster = options.deployment.cluster
    wanted = LogOptions(
        containers=tuple(role for role in ROLES if not container or role in container),
        since=since,
        tail=TAIL if tail is None and not since and not grep else tail,
        grep=grep,
    )
    labels = [each.label for each in cluster.nodes]
    show = _show(options, LinePrinter(options.out, labels, wanted.containers))
    if following:
        with closing(api.follow_logs(options.deployment, wanted, nodes=node)) as events:
            for event in events:
                if isinstance(event, Notice):
                    _warn(options, event.text)
                else:
                    show([event])
    else:
        reading = api.logs(options.deployment, wanted, nodes=node)
        show(reading.lines)
        _report_missing(options, reading, len(set(node or labels)) * len(wanted.containers))


def _show(options: Options, printer: LinePrinter) -> Callable[[Iterable[Line]], None]:
    def show(lines: Iterable[Line]) -> None:
        for line in lines:
            if options.as_json:
                sys.stdout.write(line_document(line) + "\n")
            else:
                printer.print(line)
        sys.stdout.flush()

    return show


def _warn(options: Options, text: str) -> None:
    options.err.print(Text(text, "yellow"), soft_wrap=True)


def _report_missing(options: Options, reading: Reading, asked: int) -> None:
    """Report the logs that could not be read.

    Args:
        options: the command's.
        reading: already printed.
        asked: how many logs there should be.

    Raises:
        HadeployError: a node or a log could not be read, or there is no log at all.
    """
    for node, name in reading.absent:
        _warn(options, f"{node}: there is no container {name} of this cluster")
    if reading.errors:
        raise NodesError(reading.errors)
    if len(reading.absent) == asked:
        raise HadeployError("there is no log", operation="reading the logs", hint="hadeploy up")
