"""`hadeploy schema`."""

from __future__ import annotations

import json

import click

from hadeploy.cli.document import document_schema
from hadeploy.inventory.schema import json_schema

SCHEMAS = {"inventory": json_schema, "result": document_schema}


@click.command()
@click.option(
    "--of",
    "subject",
    type=click.Choice(list(SCHEMAS)),
    default="inventory",
    show_default=True,
    help="Schema of the inventory, for editors, or of the output of --json.",
)
def schema(subject: str) -> None:
    """Print a JSON Schema of the inventory or of the output of --json."""
    click.echo(json.dumps(SCHEMAS[subject](), indent=2))
