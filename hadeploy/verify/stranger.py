"""Machines on the segment that are none of the observed nodes, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

PRUNE = "`hadeploy up --prune` stops it and removes what hadeploy made there"
BACK_FIX = f"if it is that node: {PRUNE}"


@dataclass(frozen=True)
class Stranger:
    """A machine that answers for a VIP, or sends adverts, and is none of the observed nodes.

    Attributes:
        mac: its hardware address; "" where only its adverts were seen.
        address: its own address, as far as the segment shows one; "" if unknown.
        seen_from: labels of the nodes that saw it.
        node: its label, if it is a node that was not observed.
        forgotten: whether it is a former node that was not stopped.
        left: whether it is a node that the records name and the inventory does not.
        observed: whether it is a node that was observed, and that does not have the VIP bound.
        serves: the VIPs of the other cluster that it is a node of, where a record says so.
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
        """What to call it in a sentence."""
        mac = f"MAC {self.mac}" if self.mac else ""
        if self.observed:
            return f"{self.node}, which has not bound it,"
        if self.node:
            return f"{self.node}, which could not be observed"
        if self.forgotten:
            return f"the forgotten node {self.address}"
        if self.left or self.serves:
            other = f"a node of another cluster, with {self.serves}"
            return f"{self.address}, {'a node that left the inventory' if self.left else other}"
        if self.address:
            return f"{self.address}, which is no node of this cluster{mac and f' ({mac})'}"
        return f"a machine that is no node of this cluster ({mac})"

    @property
    def fix(self) -> str:
        """What to do about it."""
        if self.observed:
            return (
                f"look for a local route, a proxy or a virtual machine on {self.node}: "
                "`ip route show table local; ip neighbour show proxy`"
            )
        if self.node:
            return f"look at {self.node} first: `ip address`"
        if self.forgotten:
            return f"{PRUNE}; or stop its keepalived there, or switch that machine off"
        if self.left or self.serves:
            other = f"choose another `{'vip' if self.mac else 'vrrp.virtual_router_id'}`"
            return f"take it into the inventory again, or: {PRUNE}" if self.left else other
        if self.mac:
            return (
                "give that machine another address, or choose another `vip`; if it was a node of "
                "this cluster: `hadeploy up --prune --former ADDRESS`"
            )
        return (
            "stop keepalived on that machine, or choose another `vrrp.virtual_router_id`; if it "
            f"was a node of this cluster: `hadeploy up --prune --former {self.address}`"
        )
