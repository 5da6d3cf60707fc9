"""The clusters of a fleet, and the result of a command on each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from hadeploy.errors import HadeployError


@dataclass(frozen=True)
class Member:
    """One cluster of a fleet.

    Attributes:
        inventory: the path of its inventory, as the user specified it.
        cluster: its name.
        label: a unique prefix of its output lines.
    """

    inventory: str
    cluster: str
    label: str


@dataclass(frozen=True)
class ClusterResult:
    """The result of a command on one cluster.

    Attributes:
        code: the exit code; None if the command did not start.
        result: the exit code in words.
        seconds: the duration.
        output: its stdout: text, or the document of --json.
        errors: the reasons for a failure, one for each node.
    """

    member: Member
    code: int | None = None
    result: str = ""
    seconds: float = 0.0
    output: str = ""
    errors: tuple[HadeployError, ...] = ()


def members(clusters: Sequence[tuple[str, str]]) -> list[Member]:
    """Give every cluster a unique label: its name, or the name of its file, or the whole path.

    Args:
        clusters: the file and the name of each cluster; the files differ.
    """
    files = [file for file, _ in clusters]
    forms = ([name for _, name in clusters], [PurePath(file).stem for file in files], files)
    labels = next(form for form in forms if len(set(form)) == len(form))
    return [Member(file, name, label) for (file, name), label in zip(clusters, labels, strict=True)]
