"""Image references: their full form, registry and mirror. Pure."""

from __future__ import annotations

import re

DOCKER_HUB = "docker.io"


def full(reference: str) -> str:
    """The full form of a reference, with registry and tag."""
    name = reference
    if not _names_registry(reference):
        name = f"{DOCKER_HUB}/{reference}" if "/" in reference else f"{DOCKER_HUB}/library/{name}"
    tagged = ":" in name.rpartition("/")[2] or "@" in name
    return name if tagged else f"{name}:latest"


def registry_of(reference: str) -> str:
    """The registry that an image is pulled from, as host or host:port."""
    return full(reference).partition("/")[0]


def mirrored(reference: str, mirror: str | None) -> str:
    """The reference with the mirror as prefix, unless it already contains a registry.

    Args:
        reference: of an image.
        mirror: host[:port][/path], or None.
    """
    return reference if mirror is None or _names_registry(reference) else f"{mirror}/{reference}"


def file_name(reference: str, architecture: str) -> str:
    """The file name of an archive of the image.

    Args:
        reference: of an image, with a tag.
        architecture: as in the image, e.g. amd64.
    """
    name = full(reference).partition("/")[2].removeprefix("library/")
    return f"{re.sub('[:/]', '-', name)}-{architecture}.tar.gz"


def _names_registry(reference: str) -> bool:
    first, slash, _ = reference.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")
