"""Translate pydantic's errors into messages for the operator."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.fields import SHAPES
from hadeploy.inventory.problems import KeyPath, shown

_KINDS: Final[Mapping[str, str]] = {
    "missing": "required, but missing",
    "string_type": "must be text; put quotes around it",
    "string_unicode": "must be text of valid Unicode characters",
    "tuple_type": "must be a list",
    "too_short": "must not be an empty list",
    "model_type": "must be a mapping of keys",
    "dict_type": "must be a mapping of keys",
}
# Sections with a short form of one line of text.
_SHORT_FORMS: Final = {"Node": "an address", "Backend": "an address or address:port"}


def error_messages(error: ValidationError) -> list[tuple[KeyPath, str]]:
    """The key path and a message for each error; the path includes an unknown or missing key.

    Args:
        error: from the validation of a Cluster.
    """
    messages = []
    for detail in error.errors(include_url=False):
        # If every element is invalid, pydantic also reports an empty list.
        if detail["type"] == "too_short" and detail["input"]:
            continue
        path = tuple(detail["loc"])
        messages.append((path, _message(detail, path)))
    return messages


def _message(error: Mapping[str, Any], path: KeyPath) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if error["input"] is None:
        return "is empty; give it a value or remove the key"
    message = _KINDS.get(kind)
    if kind == "value_error":
        message = str(context["error"])
    elif kind == "string_pattern_mismatch":
        message = SHAPES.get(context["pattern"])
    elif kind == "literal_error":
        message = f"must be {context['expected']}, not {shown(error['input'])}"
    elif kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        message = _range(context)
    elif kind == "model_type" and context.get("class_name") in _SHORT_FORMS:
        message = f"must be {_SHORT_FORMS[context['class_name']]}, or a mapping of keys"
    elif kind == "too_long":
        message = f"has {context['actual_length']} entries; the maximum is {context['max_length']}"
    return message or "this value cannot be used here"


def _range(context: Mapping[str, Any]) -> str | None:
    words = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
    return next((f"must be {words[k]} {v:.10g}" for k, v in context.items() if k in words), None)


def _unknown_key(path: KeyPath) -> str:
    key, known = str(path[-1]), _keys_at(path[:-1])
    close = difflib.get_close_matches(key[:60], known, n=1, cutoff=0.6)
    if close:
        return f"unknown key {shown(key)}; did you mean {shown(close[0])}?"
    return f"unknown key {shown(key)}; valid keys: {', '.join(known)}"


def _keys_at(path: KeyPath) -> list[str]:
    model: type[BaseModel] | None = Cluster
    for part in path:
        if isinstance(part, int) or model is None:
            continue
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = _model_in(fields[part].annotation) if part in fields else None
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    # tuple[Annotated[Node, ...], ...] and Node | None both contain Node; no field has two models.
    # Check the arguments first: in Python 3.10, tuple[...] itself is a class.
    if arguments := get_args(annotation):
        return next((model for arg in arguments if (model := _model_in(arg))), None)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None
