"""Checks of a node's SELinux, clock and name resolution. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Node
from hadeploy.observe.observed_node import ObservedNode

MOST_SKEW_SECONDS = 5
MOST_RESOLUTION_SECONDS = 2.0
# SELinux' types of what containers may read; the second is the older name.
_FOR_CONTAINERS = {"container_file_t", "svirt_sandbox_file_t"}


SELINUX = Check(
    "selinux",
    "SELinux",
    "SELinux does not keep the containers from our folder: it does not enforce, the engine "
    "does not confine containers, or the folder is labelled for them",
    "`semanage fcontext` and `restorecon` as told; or look for `avc: denied`",
    thorough=True,
    again_after=frozenset({"container"}),
)


@SELINUX.of_node
def selinux(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether SELinux may keep containers from our folder."""
    if not look.host.thorough:
        return
    confines = "name=selinux" in look.host.security
    if look.host.selinux and confines and _FOR_CONTAINERS & set(look.host.label.split(":")):
        yield Finding(SELINUX.id, node.label, "pass", f"our folder is labelled {look.host.label}")
    elif look.host.selinux and confines:
        what = (
            "SELinux enforces, and Docker confines containers: can they read "
            f"{context.cluster.root}?"
        )
        fix = (
            f"semanage fcontext -a -t container_file_t '{context.cluster.root}(/.*)?'; "
            "restorecon -R"
        )
        yield Finding(SELINUX.id, node.label, "warn", what, f"{fix} {context.cluster.root}")
    else:
        yield Finding(SELINUX.id, node.label, "pass", "SELinux does not confine our containers")


CLOCK = Check(
    "clock",
    "clock",
    "the node's clock is within 5 s of this machine's",
    "run an NTP client there: timedatectl set-ntp true",
)


@CLOCK.of_node
def clock(_: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether node and laptop agree what time it is."""
    if abs(look.skew) > MOST_SKEW_SECONDS:
        way = "ahead of" if look.skew > 0 else "behind"
        what = f"its clock is {abs(look.skew):.0f} s {way} this machine's"
        fix = "run an NTP client there (or here): timedatectl set-ntp true"
        yield Finding(CLOCK.id, node.label, "warn", what, fix)
    else:
        what = f"within {MOST_SKEW_SECONDS} s of the clock of this machine"
        yield Finding(CLOCK.id, node.label, "pass", what)


NAME_RESOLUTION = Check(
    "name-resolution",
    "name resolution",
    "the node's own name is looked up within 2 s; Docker, sudo and keepalived hang where it is not",
    "put the name into /etc/hosts, or mend /etc/resolv.conf",
    thorough=True,
)


@NAME_RESOLUTION.of_node
def name_resolution(_: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether looking a name up hangs."""
    seconds = look.host.resolution
    if seconds is None:
        return
    if seconds > MOST_RESOLUTION_SECONDS:
        what = f"looking its own name up took {seconds:.1f} s"
        fix = "put the name into /etc/hosts, or mend /etc/resolv.conf"
        yield Finding(NAME_RESOLUTION.id, node.label, "warn", what, fix)
    else:
        yield Finding(NAME_RESOLUTION.id, node.label, "pass", f"took {seconds:.2f} s")
