"""A fleet: several clusters of one call, and how each of them ended; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from hadeploy.errors import HadeployError


@dataclass(frozen=True)
class Member:
    """One cluster of a fleet.

    Attributes:
        inventory: its file, as the user named it.
        cluster: its name.
        label: what stands in front of its lines; no other member has it.
    """

    inventory: str
    cluster: str
    label: str


@dataclass(frozen=True)
class ClusterResult:
    """How a command on one cluster ended.

    Attributes:
        member: the cluster.
        code: an exit code; None if it was not begun.
        result: the same in words.
        seconds: how long it took.
        said: what it printed on stdout: a picture, or the document of --json.
        errors: why it failed, once for each node.
    """

    member: Member
    code: int | None = None
    result: str = ""
    seconds: float = 0.0
    said: str = ""
    errors: tuple[HadeployError, ...] = ()


def members(clusters: Sequence[tuple[str, str]]) -> list[Member]:
    """Give every cluster a label of its own: its name, else its file's, else the whole path.

    Args:
        clusters: file and cluster name of each; the files differ.
    """
    files = [file for file, _ in clusters]
    forms = ([name for _, name in clusters], [PurePath(file).stem for file in files], files)
    labels = next(form for form in forms if len(set(form)) == len(form))
    return [Member(file, name, label) for (file, name), label in zip(clusters, labels, strict=True)]
