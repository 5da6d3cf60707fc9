"""Whether the programs that scripts use are on a node. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

NEEDED = ("ip", "ss", "bash", "timeout", "base64", "find", "stat", "install", "sync", "flock")

TOOLS = Check(
    "tools",
    "tools",
    "the programs that hadeploy's scripts use are installed: iproute2, bash, coreutils, "
    "util-linux; a warning without perl, which looks for the VIP on other machines of the segment",
    "install them with the node's package manager",
    essential=True,
)


@TOOLS.of_node
def tools(_: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the programs that hadeploy's scripts use are installed."""
    lacking = [tool for tool in NEEDED if tool in state.missing]
    if lacking:
        fix = "install iproute2, bash, coreutils and util-linux there"
        yield Finding(TOOLS.id, node.label, "fail", f"lacks {', '.join(lacking)}", fix)
    elif state.host.thorough and "perl" in state.missing:
        what = "lacks perl, so it cannot look for the VIP on other machines of the segment"
        yield Finding(TOOLS.id, node.label, "warn", what, "install perl there")
    else:
        yield Finding(TOOLS.id, node.label, "pass", "all programs are installed")
