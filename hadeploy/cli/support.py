"""`hadeploy support`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.files import Target
from hadeploy.support.collect import Report
from hadeploy.support.contents import files_of, packed, utc


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="FILE.tar.gz",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Output file.  [default: ./hadeploy-support-CLUSTER-TIME.tar.gz]",
)
@cluster_command
def support(options: Options, output: Path | None) -> int:
    """Collect diagnostics in an archive for a bug report, without secrets.

    Includes configurations, logs and the state of the reachable nodes (read-only). Review the
    archive before you send it.
    """
    with reported(options, "support") as outcome:
        now = time.time()
        name = f"hadeploy-support-{options.deployment.cluster.name}-{utc(now)}"
        path = output or Path(f"{name}.tar.gz")
        target = Target(path, "writing the archive", "--output FILE.tar.gz", 0o600)
        target.require_writable()
        report = api.support(options.deployment, result=outcome)
        outcome.errors = report.errors
        files = files_of(report, outcome.document(), now)
        target.write(packed(name, files, now))
        outcome.archive = str(path)
        if not options.as_json:
            _print_summary(options, path, files, report)
    return outcome.code


def _print_summary(options: Options, path: Path, files: dict[str, str], report: Report) -> None:
    for error in report.errors:
        options.err.print(f"missing: {error}", style="yellow", soft_wrap=True)
    nodes = ", ".join(report.replies) or "no node"
    options.out.print(
        f"{path}: {len(files)} files. From {nodes}: configurations, the applied record, "
        "containers, the end of their logs, the state of keepalived, network, versions, lock. "
        "Also the inventory, checks, proofs and diagnosis.",
        markup=False,
        soft_wrap=True,
    )
    options.out.print(
        "The archive contains no passwords or keys, but it contains addresses and names. "
        "Review it before you send it.",
        soft_wrap=True,
    )
