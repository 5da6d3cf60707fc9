"""What `--json` prints is as `hadeploy schema --of result` says."""

from __future__ import annotations

import functools
import json
from typing import Any

from jsonschema import Draft202012Validator

from hadeploy.cli.document import document_schema


@functools.cache
def result_schema() -> Draft202012Validator:
    """Made once: it takes longer than what is validated."""
    return Draft202012Validator(document_schema())


def parse_result(out: str) -> dict[str, Any]:
    """What a command printed with `--json`, validated."""
    document: dict[str, Any] = json.loads(out)
    result_schema().validate(document)
    return document
