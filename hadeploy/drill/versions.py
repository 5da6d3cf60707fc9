"""The versions of the programs on the nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hadeploy.inventory.cluster import Cluster
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session
from hadeploy.scripts.compose import compose
from hadeploy.scripts.protocol import Reply

# `HAProxy version 3.2.21-7b1 2026/10/01 - https://haproxy.org/`, `Keepalived v2.3.4 (05/28,2025)`
_NUMBER = re.compile(r"^(?:HAProxy|HA-Proxy|Keepalived)\b.*?\bv?(?P<number>[0-9]+\.[0-9][\w.+-]*)")


def versions(cluster: Cluster, sessions: Mapping[str, Session]) -> dict[str, dict[str, str]]:
    """The versions by node label and program; a node that fails is left out."""
    script = versions_script(cluster)
    found, _ = try_each(
        lambda s: (s.node, parse_versions(s.run(script, operation="reading versions"))),
        sessions.values(),
    )
    return dict(found)


def versions_script(cluster: Cluster) -> str:
    """The script that reads the versions. Pure."""
    haproxy, keepalived = cluster.container_names
    variables = {"HD_HAPROXY": haproxy, "HD_KEEPALIVED": keepalived}
    return compose("versions.sh", variables=variables)


def parse_versions(reply: Reply) -> dict[str, str]:
    """The versions by program, from a reply of tasks/versions.sh."""
    found = {}
    for message in reply.all("version"):
        number = _NUMBER.match(message.text)
        found[message.words[0]] = number["number"] if number else message.text
    return found
