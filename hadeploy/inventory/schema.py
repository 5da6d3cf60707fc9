"""The JSON Schema of the inventory, for editors."""

from __future__ import annotations

from typing import Any

from hadeploy.inventory.cluster import Cluster


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an inventory file, including short forms.

    It covers keys, types and ranges. Only `load_inventory` validates combinations of values.
    """
    schema = Cluster.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "hadeploy inventory",
    }
