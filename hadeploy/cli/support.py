"""`hadeploy support`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from hadeploy import __version__
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.files import Target
from hadeploy.cli.outcome import Outcome
from hadeploy.plan.inputs import Inputs
from hadeploy.support.collect import Report, gather, redactor_of
from hadeploy.support.contents import README, of_node, packed
from hadeploy.support.redact import Redactor


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
        inputs = options.deployment.inputs()
        outcome.cluster = inputs.cluster.name
        now = time.time()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        name = f"hadeploy-support-{inputs.cluster.name}-{at}"
        path = output or Path(f"{name}.tar.gz")
        target = Target(path, "writing the archive", "--output FILE.tar.gz", 0o600)
        target.require_writable()
        dialer = options.deployment.dialer()
        with options.ui.progress(inputs.cluster) as progress:
            report = gather(inputs, dialer, progress)
            if report.errors:
                progress.failed()
        outcome.plan, outcome.errors = report.plan, report.errors
        outcome.checks, outcome.proofs = report.checks, report.proofs
        outcome.diagnosis = report.diagnosis
        redactor = redactor_of(inputs, dialer, report.observed)
        files = _files(inputs, report, outcome, redactor, at)
        target.write(packed(name, files, now))
        outcome.archive = str(path)
        if not options.as_json:
            _print_summary(options, path, files, report)
    return outcome.code


def _files(
    inputs: Inputs, report: Report, outcome: Outcome, redactor: Redactor, at: str
) -> dict[str, str]:
    missing = "".join(f"\nMissing: {redactor.text(str(error))}" for error in report.errors)
    cluster = inputs.cluster.model_dump(mode="json", by_alias=True)
    files = {
        "README.txt": README.format(
            version=__version__, at=at, cluster=inputs.cluster.name, missing=missing
        ),
        "inventory.json": json.dumps(redactor.document(cluster), indent=2) + "\n",
        "result.json": json.dumps(redactor.document(outcome.document()), indent=2) + "\n",
    }
    for node in inputs.cluster.nodes:
        reply = report.replies.get(node.label)
        if reply:
            parts = of_node(report.observed.get(node.label), reply, redactor)
            files |= {f"nodes/{node.label}/{part}": text for part, text in parts.items()}
    return files


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
