"""Measure the effect of changes on clients, and write the table of docs/availability.md.

    sudo .venv/bin/python benchmarks/availability.py

It creates a lab, deploys the load balancer with hadeploy, Ansible and pyinfra in turn, and makes
changes while it sends requests through the VIP.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import click

from benchmarks.bench import DOCUMENTS, bench_lab, machine, tell, write
from benchmarks.document import Markers
from benchmarks.figures import Row
from benchmarks.measure import measure_tool
from benchmarks.scenarios import (
    GROUPS,
    NEW_HAPROXY,
    NEW_KEEPALIVED,
    SCENARIOS,
    Scenario,
    chosen,
)
from benchmarks.table import in_short, rendered
from benchmarks.tools import Hadeploy, Tool, install_peers, peer_versions, peers
from hadeploy.errors import HadeployError
from hadeploy.lab.images.store import lab_images
from hadeploy.lab.lab import Lab

DOCUMENT = DOCUMENTS / "availability.md"
README = DOCUMENTS.parent / "README.md"
GAP_BAR_SECONDS = 0.1
QUICK = "haproxy-config"
TOOLS = ("hadeploy", "ansible", "pyinfra")


@click.command()
@click.option(
    "--lab", "name", default="avail", show_default=True, help="Create a lab of this name."
)
@click.option("--use-lab", help="Use this lab, without its load balancer, and keep it.")
@click.option("--rounds", default=3, show_default=True, help="Number of rounds for each change.")
@click.option(
    "--only",
    multiple=True,
    help=f"A change or group ({', '.join(GROUPS)}); may be repeated. Default: all.",
)
@click.option(
    "--with",
    "wanted",
    multiple=True,
    type=click.Choice(TOOLS),
    help="A tool; may be repeated. Default: all.",
)
@click.option("--quick", is_flag=True, help=f"One round of {QUICK} with hadeploy only.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Output file. Default: docs/availability.md; for a part of the changes: stdout.",
)
def main(
    name: str,
    use_lab: str | None,
    rounds: int,
    only: tuple[str, ...],
    wanted: tuple[str, ...],
    quick: bool,
    output: Path | None,
) -> None:
    """Measure the effect of changes on clients; exit with 1 if hadeploy misses a target."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if quick:
        rounds, only, wanted = 1, only or (QUICK,), wanted or TOOLS[:1]
    try:
        scenarios = chosen(only)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        with bench_lab(name, use_lab, (NEW_HAPROXY, NEW_KEEPALIVED)) as lab:
            rows, broken = _measured(lab, scenarios, rounds, wanted or TOOLS)
            block = rendered(rows, _machine(lab), rounds)
    except HadeployError as error:
        raise click.ClickException("\n".join(filter(None, (str(error), error.detail)))) from error
    whole = len(scenarios) == len(SCENARIOS) and not wanted and not broken
    write(Markers("availability"), block, output or (DOCUMENT if whole else None))
    if whole and not output:
        write(Markers("availability-short", "availability"), in_short(rows), README)
    own = [row for row in rows if row.tool == Hadeploy.title]
    # One round on a busy machine is not precise to milliseconds.
    gap = float("inf") if quick else GAP_BAR_SECONDS
    missed = [f"{row.change}: {what}" for row in own for what in row.missed(gap)]
    missed += [f"the measurement of {tool} failed" for tool in broken]
    for line in missed:
        tell(f"target missed: {line}")
    sys.exit(1 if missed else 0)


def _measured(
    lab: Lab, scenarios: list[Scenario], rounds: int, wanted: tuple[str, ...]
) -> tuple[list[Row], list[str]]:
    """The rows, and the tools whose measurement failed."""
    with tempfile.TemporaryDirectory(prefix="availability-") as scratch:
        tools: list[Tool] = [Hadeploy(lab, Path(scratch))]
        if {*wanted} - {TOOLS[0]}:
            tell("installing Ansible and pyinfra")
            install_peers()
            os.environ["ANSIBLE_HOME"] = scratch
            tools += peers(lab)
        tools = [tool for tool in tools if tool.title.split()[0].lower() in wanted]
        tell("loading the images into the nodes")
        # Before the measurement, which excludes the transfer of images.
        lab.load_images(*lab_images().values(), NEW_HAPROXY, NEW_KEEPALIVED)
        rows: list[Row] = []
        broken = []
        for tool in tools:
            tell(f"deploying the cluster with {tool.title}")
            try:
                for row in measure_tool(lab, tool, scenarios, rounds, tell):
                    rows.append(row)
            except (HadeployError, OSError) as error:
                tell(f"skipping the rest of {tool.title}: {error}")
                broken.append(tool.title)
        return rows, broken


def _machine(lab: Lab) -> dict[str, str]:
    """The machine and the versions of the tools."""
    values = machine(lab)
    values["images"] += f"; changed to {NEW_HAPROXY}, {NEW_KEEPALIVED}"
    return values | peer_versions()


if __name__ == "__main__":
    main()
