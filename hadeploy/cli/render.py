"""`hadeploy render`."""

from __future__ import annotations

from pathlib import Path

import click

from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.run.connections import connected
from hadeploy.run.prepare import prepare


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rendered"),
    show_default=True,
    help="The folder to write to; one subfolder a node.",
)
@cluster_command
def render(options: Options, output: Path) -> int:
    """Write the files that `up` would push to each node, to look at; change nothing there.

    The nodes are asked for the interface that carries their address.
    """
    with reported(options, "render") as outcome:
        inputs = options.inputs()
        outcome.cluster = inputs.cluster.name
        with (
            options.progress(inputs.cluster) as progress,
            connected(
                inputs.cluster, progress, accept_new=options.accept_new_host_keys
            ) as sessions,
        ):
            desired = prepare(inputs, sessions, progress).desired
        for node, state in desired.items():
            for file in state.files:
                path = output / node / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=file.mode)
                path.chmod(file.mode)
                path.write_text(file.content, "utf-8")
                if not options.as_json:
                    options.out.print(str(path), soft_wrap=True)
    return outcome.code
