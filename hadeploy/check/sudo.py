"""Whether scripts run as root. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

SUDO = Check(
    "sudo",
    "runs as root",
    "scripts run as root on the node, by login or by sudo; `check` shows whether sudo asks for a "
    "password",
    "`--ask-sudo-password`; or allow the user `NOPASSWD: ALL`, or log in as root",
    essential=True,
)


@SUDO.of_node
def root(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether hadeploy's scripts run as root."""
    if state.root:
        how = context.becoming.get(node.label)
        what = f"scripts run as root{f', {how}' if how else ''}"
        yield Finding(SUDO.id, node.label, "pass", what)
    else:
        what, fix = "scripts do not run as root", "set ssh.sudo to auto or always"
        yield Finding(SUDO.id, node.label, "fail", what, fix)
