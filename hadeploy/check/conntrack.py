"""Check of the kernel's table of tracked connections. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

# The kernel drops new connections when the table is full, and reports that only in its log.
MAX_PERCENT = 80
# The format of the kernel; a node may send anything.
_NUMBER = re.compile(r"[0-9]{1,10}")

CONNECTION_TRACKING = Check(
    "connection-tracking",
    "connection tracking",
    "the kernel's table of tracked connections is at most 80 % full "
    "(`net.netfilter.nf_conntrack_count` and `nf_conntrack_max`); otherwise a warning: if the "
    "table is full, the node drops new connections of clients. A kernel without connection "
    "tracking is not checked",
    "raise `net.netfilter.nf_conntrack_max` as shown, also in /etc/sysctl.d; or find the program "
    "that opens so many connections",
    thorough=True,
    again_after=frozenset({"traffic"}),
)


@CONNECTION_TRACKING.of_node
def connection_tracking(_: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the kernel can track more connections."""
    tracked = _number(state, "net/netfilter/nf_conntrack_count")
    most = _number(state, "net/netfilter/nf_conntrack_max")
    # 0 means no limit.
    if tracked is None or not most:
        return
    what = f"the kernel tracks {tracked} connections of at most {most}"
    if tracked * 100 > most * MAX_PERCENT:
        fix = (
            f"sysctl net.netfilter.nf_conntrack_max={2 * most}, and the same in /etc/sysctl.d; or "
            "find the program that opens so many: conntrack -L"
        )
        yield Finding(CONNECTION_TRACKING.id, node.label, "warn", what, fix)
    else:
        yield Finding(CONNECTION_TRACKING.id, node.label, "pass", what)


def _number(state: ObservedNode, setting: str) -> int | None:
    value = state.host.facts.get(setting, "")
    return int(value) if _NUMBER.fullmatch(value) else None
