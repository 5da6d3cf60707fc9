"""`hadeploy lab …`: a lab with real nodes on this machine."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import click

from hadeploy.lab import by_hand
from hadeploy.lab.addressing import DEFAULT_NAME
from hadeploy.lab.lab import Lab
from hadeploy.lab.lifecycle import DEFAULT_NODES
from hadeploy.lab.node_status import NodeStatus
from hadeploy.lab.state import state_root

_name = click.option(
    "--name",
    default=DEFAULT_NAME,
    envvar="HADEPLOY_LAB",
    show_default=True,
    show_envvar=True,
    help="Name of the lab; several labs can run side by side.",
)


def _report(message: str) -> None:
    click.echo(f"  {message}", err=True)


def belongs_to_lab(folder: Path) -> bool:
    """Whether that directory is the directory of a lab on this machine."""
    return state_root() in folder.parents


@click.group()
def lab() -> None:
    """Run a lab on this machine: nodes with their own sshd and Docker."""


@lab.command()
@_name
@click.option("--nodes", type=int, help=f"Number of nodes.  [default: {DEFAULT_NODES}]")
@click.option(
    "--subnet", help="Subnet within 198.51.100.0/24, 203.0.113.0/24, 192.0.2.0/24 or 198.18.0.0/15."
)
@click.option("--preload", is_flag=True, help="Load the images into Docker on each node.")
def up(name: str, nodes: int | None, subnet: str | None, preload: bool) -> None:
    """Start or repair the lab. Safe to repeat."""
    made = Lab.up(name, nodes=nodes, subnet=subnet, preload=preload, report=_report)
    suffix = "" if name == DEFAULT_NAME else f" --name {name}"
    click.echo(f"Lab {name!r} is up: {', '.join(made.nodes)} at {made.addressing.subnet}. Next:")
    click.echo(f'  eval "$(hadeploy lab env{suffix})"')
    click.echo("  hadeploy up")
    click.echo('  curl "http://$HADEPLOY_LAB_VIP:9443/"')
    click.echo('  ssh -F "$HADEPLOY_LAB_SSH_CONFIG" n1')
    click.echo(f"  hadeploy lab down{suffix}")


@lab.command()
@_name
@click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
def status(name: str, as_json: bool) -> None:
    """Show the state of each node."""
    nodes = Lab.find(name).status()
    if as_json:
        click.echo(json.dumps({"name": name, "nodes": [vars(node) for node in nodes]}))
    else:
        for node in nodes:
            click.echo(f"{node.name:<4} {node.address:<16} {_text(node)}")
    if not all(node.well for node in nodes):
        raise SystemExit(1)


def _text(node: NodeStatus) -> str:
    if not node.running:
        return "off"
    parts = (
        ("sshd", node.ssh),
        ("dockerd", node.docker),
        ("API server", node.api_server),
        ("cable", node.cable),
    )
    return ", ".join(f"{part} {'ok' if good else 'DOWN'}" for part, good in parts)


@lab.command()
@_name
def env(name: str) -> None:
    """Print environment variables for a shell: eval "$(hadeploy lab env)"."""
    for variable, value in Lab.find(name).environment.items():
        click.echo(f"export {variable}={shlex.quote(value)}")


@lab.command("exec", context_settings={"allow_interspersed_args": False})
@_name
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(name: str, node: str, command: tuple[str, ...]) -> None:
    """Run a command on a node, as root: hadeploy lab exec n1 -- docker ps."""
    # click parses nothing after NODE, so COMMAND keeps its options, and "--" arrives here.
    words = command[1:] if command[0] == "--" else command
    argv, environment = Lab.find(name).exec_command(node, words)
    os.execvpe(argv[0], argv, environment)  # noqa: S606  exec passes on stdio, exit code, signals


@lab.command()
@_name
@click.argument("node")
def reboot(name: str, node: str) -> None:
    """Switch a node off, without a shutdown, and on again."""
    Lab.find(name).reboot(node)


@lab.command("classic")
@_name
def classic(name: str) -> None:
    """Set up a cluster by hand, to try `hadeploy up --adopt`."""
    found = Lab.find(name)
    by_hand.tear_down(found)
    by_hand.set_up(found)
    click.echo("haproxy and keepalived run as set up by hand. Next: hadeploy plan --adopt")


@lab.command()
@_name
def down(name: str) -> None:
    """Remove the lab, even if it is damaged. Keeps cached images."""
    removed = Lab.remove(name, report=_report)
    click.echo(f"Lab {name!r} is removed." if removed else f"There is no lab {name!r}.")
