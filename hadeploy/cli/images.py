"""`hadeploy images …`: images for nodes without access to a registry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from hadeploy import api
from hadeploy.cli.common import Options, cluster_command, reported
from hadeploy.desired.roles import ROLES
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.paths import beside


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
        raise click.BadParameter("expected linux/ARCH, such as linux/amd64 or linux/arm64")
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
        saved = api.save_images(options.deployment, output, architecture, result=outcome)
        if not options.as_json:
            for image in saved:
                options.out.print(f"{image.archive}  {image.bytes / 1e6:.0f} MB", soft_wrap=True)
            if lines := inventory_lines(cluster, folder, [d.archive or "" for d in saved]):
                options.out.print(f"\nIn the inventory:\n\n{lines}", soft_wrap=True)
    return outcome.code


def inventory_lines(cluster: Cluster, folder: Path, archives: Sequence[str]) -> str:
    """The lines of the inventory that name the archives; "" if it has them already. Pure.

    Args:
        folder: the directory of the inventory.
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


@images.command(name="push")
@cluster_command
def push_(options: Options) -> int:
    """Load the images into the nodes that lack them.

    Uses the archives that the inventory names, and saves other images first, like `save`. Skips
    nodes that have an image, so after a failure run it again.
    """
    with reported(options, "images push") as outcome:
        delivered = api.push_images(options.deployment, result=outcome)
        if not options.as_json:
            sent = [delivery for delivery in delivered if delivery.state == "sent"]
            if sent:
                # One archive may contain both images.
                archives = {(delivery.node, delivery.archive): delivery.bytes for delivery in sent}
                megabytes = sum(archives.values()) / 1e6
                options.out.print(f"Images sent: {len(sent)}, {megabytes:.0f} MB in total.")
            else:
                options.out.print("Nothing to send: every node has both images.")
    return outcome.code
