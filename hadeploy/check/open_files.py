"""Check of the limit of open files. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.model import CheckContext, Finding
from hadeploy.desired.containers import haproxy_container
from hadeploy.inventory.model import Node
from hadeploy.observe.model import ObservedNode


def nofile(sight: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether haproxy gets the files it asks for."""
    asked, limit = haproxy_container(sight.cluster).nofile, look.host.nofile
    if limit is None or asked is None:
        return
    fix = "raise LimitNOFILE of docker.service, or lower haproxy.maxconn"
    if asked > limit.most:
        what = f"haproxy asks for {asked} open files, and the kernel allows {limit.most}"
        fix = "raise fs.nr_open with sysctl, or lower haproxy.maxconn"
        yield Finding("nofile", node.label, "fail", what, fix)
    elif limit.hard is not None and asked > limit.hard and not limit.raises:
        what = (
            f"haproxy asks for {asked} open files; the Docker engine's hard limit is {limit.hard}, "
            "and it may not raise it"
        )
        yield Finding("nofile", node.label, "fail", what, fix)
    else:
        yield Finding("nofile", node.label, "pass", f"haproxy can open {asked} files")
