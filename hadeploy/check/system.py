"""Checks of a node's SELinux, clock and name resolution. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

MAX_SKEW_SECONDS = 5
MAX_RESOLUTION_SECONDS = 2.0
# The SELinux types of files that containers may read; the second is an older name.
_FOR_CONTAINERS = {"container_file_t", "svirt_sandbox_file_t"}


SELINUX = Check(
    "selinux",
    "SELinux",
    "SELinux allows the containers to read the cluster's directory: it does not enforce, the "
    "engine does not confine containers, or the directory has a label for them",
    "`semanage fcontext` and `restorecon` as given; or search the audit log for `avc: denied`",
    thorough=True,
    again_after=frozenset({"container"}),
)


@SELINUX.of_node
def selinux(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether SELinux may deny the containers access to the cluster's directory."""
    if not state.host.thorough:
        return
    confines = "name=selinux" in state.host.security
    if state.host.selinux and confines and _FOR_CONTAINERS & set(state.host.label.split(":")):
        what = f"the label of the cluster's directory is {state.host.label}"
        yield Finding(SELINUX.id, node.label, "pass", what)
    elif state.host.selinux and confines:
        what = (
            "SELinux enforces, and Docker confines containers, which may be unable to read "
            f"{context.cluster.root}"
        )
        fix = (
            f"semanage fcontext -a -t container_file_t '{context.cluster.root}(/.*)?'; "
            "restorecon -R"
        )
        yield Finding(SELINUX.id, node.label, "warn", what, f"{fix} {context.cluster.root}")
    else:
        yield Finding(SELINUX.id, node.label, "pass", "SELinux does not confine the containers")


CLOCK = Check(
    "clock",
    "clock",
    "the node's clock is within 5 s of this machine's",
    "run an NTP client there: timedatectl set-ntp true",
)


@CLOCK.of_node
def clock(_: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the clocks of the node and of this machine agree."""
    if abs(state.skew) > MAX_SKEW_SECONDS:
        way = "ahead of" if state.skew > 0 else "behind"
        what = f"its clock is {abs(state.skew):.0f} s {way} this machine's"
        fix = "run an NTP client there (or here): timedatectl set-ntp true"
        yield Finding(CLOCK.id, node.label, "warn", what, fix)
    else:
        what = f"within {MAX_SKEW_SECONDS} s of the clock of this machine"
        yield Finding(CLOCK.id, node.label, "pass", what)


NAME_RESOLUTION = Check(
    "name-resolution",
    "name resolution",
    "the node resolves its own name within 2 s; otherwise Docker, sudo and keepalived hang",
    "add the name to /etc/hosts, or correct /etc/resolv.conf",
    thorough=True,
)


@NAME_RESOLUTION.of_node
def name_resolution(_: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the resolution of the node's name hangs."""
    seconds = state.host.resolution
    if seconds is None:
        return
    if seconds > MAX_RESOLUTION_SECONDS:
        what = f"the resolution of its own name took {seconds:.1f} s"
        fix = "add the name to /etc/hosts, or correct /etc/resolv.conf"
        yield Finding(NAME_RESOLUTION.id, node.label, "warn", what, fix)
    else:
        yield Finding(NAME_RESOLUTION.id, node.label, "pass", f"took {seconds:.2f} s")
