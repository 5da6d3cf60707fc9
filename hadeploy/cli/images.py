"""`hadeploy images …`: for nodes that no registry reaches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hadeploy import api
from hadeploy.check.images import of_node
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.images.fetch import fetch, find_engine
from hadeploy.images.load import Delivery
from hadeploy.images.push import ROLES, push
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.paths import beside
from hadeploy.inventory.references import file_name
from hadeploy.observe.gather import observe

SAY_IT = "or say what the nodes are: --platform linux/amd64"


@click.group()
def images() -> None:
    """Save images on this machine and push them to nodes without a registry."""


def _architecture(context: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """linux/amd64 or amd64 → amd64."""
    del context, option
    if text is None:
        return None
    architecture = text.removeprefix("linux/")
    if not architecture.isalnum():
        raise click.BadParameter("as in linux/amd64 or linux/arm64")
    return architecture


@images.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Output directory.  [default: images, next to the inventory]",
)
@click.option(
    "--platform",
    "architecture",
    callback=_architecture,
    metavar="linux/ARCH",
    help="Architecture of the nodes.  [default: ask the nodes]",
)
@cluster_command
def save(options: Options, output: Path | None, architecture: str | None) -> int:
    """Save both images to archives, with docker, podman, nerdctl or skopeo.

    Prints the lines of the inventory that use the archives. Changes nothing on the nodes.
    """
    with reported(options, "images save") as outcome:
        cluster, folder = options.deployment.cluster, options.deployment.folder
        outcome.cluster = cluster.name
        engine = find_engine()
        architecture = architecture or _ask_the_nodes(options, outcome)
        target = output.absolute() if output else folder / "images"
        with options.ui.progress(cluster) as progress:
            for role in ROLES:
                reference = getattr(cluster.images, role).reference
                progress.phase(f"Fetch {reference}")
                path = target / file_name(reference, architecture)
                size = fetch(engine, reference, architecture, path, progress)
                outcome.images.append(
                    Delivery(reference, architecture, None, "saved", str(path), size)
                )
        if not options.as_json:
            for saved in outcome.images:
                options.out.print(f"{saved.archive}  {saved.bytes / 1e6:.0f} MB", soft_wrap=True)
            if lines := inventory_lines(cluster, folder, [d.archive or "" for d in outcome.images]):
                options.out.print(f"\nIn the inventory:\n\n{lines}", soft_wrap=True)
    return outcome.code


def inventory_lines(cluster: Cluster, folder: Path, archives: Sequence[str]) -> str:
    """What the inventory has to say for `up` to use the archives; "" if it says so already. Pure.

    Args:
        folder: where it is.
        archives: the files, in the order of ROLES.
    """
    named = [getattr(cluster.images, role).archive for role in ROLES]
    paths = [Path(archive) for archive in archives]
    if all(name and beside(folder, name) == path for name, path in zip(named, paths, strict=True)):
        return ""
    lines = ["images:"]
    for role, path in zip(ROLES, paths, strict=True):
        shown = path.relative_to(folder) if path.is_relative_to(folder) else path
        lines += [f"  {role}:", f"    archive: {shown}"]
    return "\n".join(lines)


def _ask_the_nodes(options: Options, outcome: Outcome) -> str:
    """The one architecture of the nodes.

    Raises:
        HadeployError: none can be asked, or they are of several.
    """
    try:
        with api.connect(options.deployment, tolerant=True, result=outcome) as run:
            looks = observe(run.inputs.cluster, run.sessions)
    except NodesError as error:
        for each in error.errors:
            each.hint = f"{each.hint}; {SAY_IT}" if each.hint else SAY_IT
        raise
    found = {of_node(look): node for node, look in looks.items()}
    if len(found) > 1:
        told = ", ".join(f"{node} is {architecture}" for architecture, node in found.items())
        raise HadeployError(
            f"the nodes are of several architectures: {told}",
            operation="choosing what to save",
            hint="`hadeploy images push` brings each node its own; or save one with --platform",
            code=ExitCode.USAGE,
        )
    return next(iter(found))


@images.command(name="push")
@cluster_command
def push_(options: Options) -> int:
    """Load the images into the nodes that lack them.

    From the archives that the inventory names; those of other images are made here and now, as
    `save` makes them. Nodes that have an image are skipped, so after a failure run it again.
    """
    with reported(options, "images push") as outcome:
        with api.connect(options.deployment, tolerant=True, result=outcome) as run:
            errors = push(run.inputs, run.sessions, run.progress, outcome.images)
            errors += run.unreachable.values()
            if errors:
                run.progress.failed()
        if errors:
            raise NodesError(errors)
        if not options.as_json:
            sent = [delivery for delivery in outcome.images if delivery.state == "sent"]
            if sent:
                # One archive may have brought both.
                parcels = {(delivery.node, delivery.archive): delivery.bytes for delivery in sent}
                megabytes = sum(parcels.values()) / 1e6
                options.out.print(f"Images sent: {len(sent)}, {megabytes:.0f} MB in all.")
            else:
                options.out.print("Nothing to send: every node has both images.")
    return outcome.code
