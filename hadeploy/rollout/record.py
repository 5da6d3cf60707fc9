"""The content of applied.json, the record on each node."""

from __future__ import annotations

import dataclasses
import datetime
import json
import socket
from collections.abc import Mapping

from hadeploy import __version__
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.docker_run import specification
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.plan.inventory_changes import recorded_inventory, with_change
from hadeploy.remote.ssh_tokens import local_user


def this_user() -> str:
    """The user of this run, as USER@HOST."""
    return f"{local_user()}@{socket.gethostname()}"


def applied_record(
    cluster: Cluster,
    desired: DesiredNode,
    configuration: str,
    *,
    interim: bool,
    before: Applied | None = None,
    kept: Applied | None = None,
    contents: Mapping[str, str] | None = None,
) -> str:
    """The record of one node.

    Args:
        cluster: the inventory.
        desired: the applied state.
        configuration: the id of the desired state of the whole cluster.
        interim: whether it is an intermediate state, which is no target for a rollback.
        before: the newest record of the nodes.
        kept: the record before, for a node on which only keepalived.conf changes.
        contents: digests of the files and secrets (rollout/contents.py); None if unknown.
    """
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    inventory = recorded_inventory(cluster)
    changes = with_change(before, inventory, this_user(), now, contents)
    files = {file.path: file.sha256 for file in desired.files}
    containers = {c.name: specification(c) for c in desired.containers}
    if kept:
        conf = layout.KEEPALIVED_CONF
        files, containers = {**kept.files, conf: files[conf]}, kept.containers
        inventory, changes, contents = kept.inventory, kept.changes, kept.contents
    return json.dumps(
        {
            "version": __version__,
            "by": this_user(),
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
            "changes": [dataclasses.asdict(change) for change in changes],
            **({} if contents is None else {"contents": dict(contents)}),
        },
        indent=1,
    )
