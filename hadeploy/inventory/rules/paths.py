"""Rules for folders on the nodes."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.problems import KeyPath

_VOLATILE = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/run", "/var/tmp")  # noqa: S108


def root_stays(cluster: Cluster) -> Iterator[tuple[KeyPath, str]]:
    """The files must survive a reboot, because the containers mount them."""
    root = cluster.paths.root
    for folder in _VOLATILE:
        if root == folder or root.startswith(f"{folder}/"):
            yield (
                ("paths", "root"),
                f"files in {folder} do not survive a reboot; the default is /etc/hadeploy",
            )


RULES = (root_stays,)
