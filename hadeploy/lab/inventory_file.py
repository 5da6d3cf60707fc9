"""The inventory that a lab writes for itself; pure."""

from __future__ import annotations

from pathlib import Path

from hadeploy.lab.addressing import Addressing
from hadeploy.lab.state import StateFolder


def inventory_text(
    addressing: Addressing, state: StateFolder, archives: dict[str, tuple[str, Path]]
) -> str:
    """An inventory for all nodes of the lab.

    Args:
        addressing: the lab's names and addresses.
        state: where its key and known_hosts are.
        archives: by `haproxy` and `keepalived`: the image reference and its archive.
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
        f"# The inventory of the lab {addressing.name!r}. `hadeploy lab up` wrote it once and\n"
        "# will not write over it, so change what you like. IPv6 addresses of the lab:\n"
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
