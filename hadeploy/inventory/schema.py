"""The inventory's JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from hadeploy.inventory.cluster import Cluster


def json_schema() -> dict[str, Any]:
    """The schema of an inventory file, its short forms included.

    Returns:
        A JSON Schema (draft 2020-12) to be written as JSON. It knows the keys, kinds of value and
        ranges; what concerns several keys at once only `load_inventory` checks.
    """
    schema = Cluster.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "hadeploy inventory",
    }
