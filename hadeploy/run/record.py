"""What goes into applied.json: no state lives on the laptop."""

from __future__ import annotations

import datetime
import getpass
import json
import socket

from hadeploy import __version__
from hadeploy.desired import layout
from hadeploy.desired.model import DesiredNode
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import Applied
from hadeploy.runtime.docker import specification


def applied_record(
    cluster: Cluster,
    desired: DesiredNode,
    configuration: str,
    *,
    interim: bool,
    kept: Applied | None = None,
) -> str:
    """The record of one node.

    Args:
        cluster: the inventory; how the nodes are reached is the laptop's matter, and left out.
        desired: what was applied.
        configuration: the id of the whole cluster's desired state.
        interim: whether it is only on the way to another one, and nothing to go back to.
        kept: the record before, of a node on which only keepalived.conf changes.
    """
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    inventory = cluster.model_dump(
        mode="json", by_alias=True, exclude={"ssh": True, "nodes": {"__all__": {"ssh"}}}
    )
    files = {file.path: file.sha256 for file in desired.files}
    containers = {c.name: specification(c) for c in desired.containers}
    if kept:
        conf = layout.KEEPALIVED_CONF
        files, containers = {**kept.files, conf: files[conf]}, kept.containers
        inventory = kept.inventory
    return json.dumps(
        {
            "version": __version__,
            "by": f"{getpass.getuser()}@{socket.gethostname()}",
            "at": now,
            "configuration": configuration,
            "interim": interim,
            "vips": list(desired.addresses),
            "members": list(desired.members),
            "forgotten": list(desired.forgotten),
            "interface": desired.facts.interface,
            "files": files,
            "containers": containers,
            "haproxy_config_id": desired.config_id("haproxy"),
            "keepalived_config_id": desired.config_id("keepalived"),
            "health_port": cluster.haproxy.health_port,
            "inventory": inventory,
        },
        indent=1,
    )
