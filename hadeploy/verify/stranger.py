"""Unknown machines on the segment: their description and the advice. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PRUNE = "`hadeploy up --prune` stops it and removes what hadeploy created there"
BACK_FIX = f"if it is that node: {PRUNE}"


@dataclass(frozen=True)
class Stranger:
    """A machine that unexpectedly answers for a VIP or sends adverts.

    Attributes:
        mac: its hardware address; "" if only its adverts were received.
        address: its own address; "" if unknown.
        seen_from: labels of the nodes that detected it.
        node: its label, if it is a node of the inventory.
        forgotten: whether it is a forgotten node.
        left: whether it is in the records but not in the inventory.
        observed: whether it is an observed node without the VIP.
        serves: the VIPs of its other cluster, if a record contains it.
    """

    mac: str
    address: str
    seen_from: tuple[str, ...]
    node: str = ""
    forgotten: bool = False
    left: bool = False
    observed: bool = False
    serves: str = ""

    @property
    def name(self) -> str:
        """Its description in a sentence."""
        mac = f"MAC {self.mac}" if self.mac else ""
        if self.observed:
            return f"{self.node}, which does not have it,"
        if self.node:
            return f"the unreachable node {self.node}"
        if self.forgotten:
            return f"the forgotten node {self.address}"
        if self.left or self.serves:
            other = f"a node of another cluster, with {self.serves}"
            return f"{self.address}, {'a node that left the inventory' if self.left else other}"
        if self.address:
            return f"{self.address}, which is not a node of this cluster{mac and f' ({mac})'}"
        return f"a machine that is not a node of this cluster ({mac})"

    @property
    def fix(self) -> str:
        """What to do about it."""
        if self.observed:
            return (
                f"check {self.node} for a local route, a proxy entry or a virtual machine: "
                "`ip route show table local; ip neighbour show proxy`"
            )
        if self.node:
            return f"check {self.node} first: `ip address`"
        if self.forgotten:
            return f"{PRUNE}; or stop its keepalived, or switch the machine off"
        if self.left or self.serves:
            other = f"choose another `{'vip' if self.mac else 'vrrp.virtual_router_id'}`"
            return f"add it to the inventory again, or: {PRUNE}" if self.left else other
        if self.mac:
            return (
                "give that machine another address, or choose another `vip`; if it was a node of "
                "this cluster: `hadeploy up --prune --former ADDRESS`"
            )
        return (
            "stop keepalived on that machine, or choose another `vrrp.virtual_router_id`; if it "
            f"was a node of this cluster: `hadeploy up --prune --former {self.address}`"
        )
