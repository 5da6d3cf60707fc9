"""`hadeploy schema`."""

from __future__ import annotations

import json

import click

from hadeploy.inventory.schema import json_schema


@click.command()
def schema() -> None:
    """Print the inventory's JSON Schema, for editors."""
    click.echo(json.dumps(json_schema(), indent=2))
