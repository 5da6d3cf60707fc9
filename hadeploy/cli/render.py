"""`hadeploy render`."""

from __future__ import annotations

from pathlib import Path

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.files import Target
from hadeploy.errors import HadeployError


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("rendered"),
    show_default=True,
    help="Output directory, with a subdirectory per node.",
)
@cluster_command
def render(options: Options, output: Path) -> int:
    """Write the files that `up` would install on each node.

    Reads the network interface from each node; changes nothing.
    """
    with reported(options, "render") as outcome:
        for node, state in api.render(options.deployment, result=outcome).items():
            for file in state.files:
                path = output / node / file.path
                write(path, file.content, file.mode)
                if not options.as_json:
                    options.out.print(str(path), soft_wrap=True)
    return outcome.code


def write(path: Path, content: str, mode: int) -> None:
    """Write one file, readable at no time by more users than `mode` allows.

    An existing file may belong to another user: it is replaced, not overwritten.

    Raises:
        HadeployError: the file cannot be written.
    """
    target = Target(path, "writing the rendered files", "--output DIRECTORY", mode)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HadeployError(
            f"{path}: {error.strerror}", operation=target.operation, hint=target.hint
        ) from error
    target.write(content.encode())
