"""Check of the limit of open files. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired.containers import haproxy_container
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

NOFILE = Check(
    "nofile",
    "open files",
    "the engine can give haproxy the open files that `haproxy.maxconn` needs: within the limit of "
    "the kernel (fs.nr_open), and within the hard limit of the engine, unless it may raise that "
    "limit (CAP_SYS_RESOURCE)",
    "raise LimitNOFILE of docker.service, or lower `haproxy.maxconn`",
    thorough=True,
    again_after=frozenset({"haproxy-container"}),
)


@NOFILE.of_node
def nofile(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether haproxy gets the open files that it needs."""
    asked, limit = haproxy_container(context.cluster).nofile, state.host.nofile
    if limit is None or asked is None:
        return
    fix = "raise LimitNOFILE of docker.service, or lower haproxy.maxconn"
    if asked > limit.most:
        what = f"haproxy needs {asked} open files, but the kernel allows {limit.most}"
        fix = "raise fs.nr_open with sysctl, or lower haproxy.maxconn"
        yield Finding(NOFILE.id, node.label, "fail", what, fix)
    elif limit.hard is not None and asked > limit.hard and not limit.raises:
        what = (
            f"haproxy needs {asked} open files; the Docker engine's hard limit is {limit.hard}, "
            "and it may not raise that limit"
        )
        yield Finding(NOFILE.id, node.label, "fail", what, fix)
    else:
        yield Finding(NOFILE.id, node.label, "pass", f"haproxy can open {asked} files")
