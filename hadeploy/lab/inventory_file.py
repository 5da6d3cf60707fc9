"""The initial inventory of a lab. Pure."""

from __future__ import annotations

from pathlib import Path

from hadeploy.lab.addressing import Addressing
from hadeploy.lab.state import StateFolder


def inventory_text(
    addressing: Addressing, state: StateFolder, archives: dict[str, tuple[str, Path]]
) -> str:
    """An inventory for all nodes of the lab.

    Args:
        addressing: the names and addresses of the lab.
        state: the folder with its key and known_hosts.
        archives: role → image reference and archive.
    """
    nodes = "".join(
        f"  - name: {node}\n    address: {addressing.node(node).v4.ip}\n"
        for node in addressing.nodes
    )
    images = "".join(
        f"  {part}:\n    reference: {reference}\n    archive: {archive}\n"
        for part, (reference, archive) in archives.items()
    )
    return (
        f"# The inventory of the lab {addressing.name!r}. You can change it: `hadeploy lab up`\n"
        "# does not overwrite it. IPv6 addresses of the lab:\n"
        f"# VIP {addressing.vip.v6.ip}, nodes "
        + ", ".join(str(addressing.node(node).v6.ip) for node in addressing.nodes)
        + ".\n"
        f"vip: {addressing.vip.v4.ip}\n"
        f"nodes:\n{nodes}"
        "ssh:\n"
        "  user: root\n"
        f"  identity_file: {state.key}\n"
        f"  known_hosts: {state.known_hosts}\n"
        f"images:\n{images}"
    )
