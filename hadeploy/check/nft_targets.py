"""The targets of NAT rules of nftables. Pure.

The format is libnftables-json(5). It comes from a node: invalid parts are ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NatTarget:
    """The target of `dnat` or `redirect`.

    Attributes:
        address: "" for an address of the node.
        port: None if it does not change.
    """

    address: str
    port: int | None

    @property
    def shown(self) -> str:
        """Address, port, or both."""
        if not self.address:
            return f"port {self.port}"
        if self.port is None:
            return self.address
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    def is_same(self, port: int, own: Collection[str]) -> bool:
        """Whether haproxy still gets the connection.

        Args:
            port: the port of the connection.
            own: addresses on which haproxy serves that port.
        """
        return self.port in (None, port) and self.address in ("", *own)


def sent_to(expressions: Iterable[Mapping[str, Any]]) -> NatTarget | None:
    """The target of a rule; None without a single address and port."""
    for part in expressions:
        for kind in ("dnat", "redirect"):
            if kind in part:
                return _target(part[kind])
    return None


def _target(about: object) -> NatTarget | None:
    values = about if isinstance(about, dict) else {}
    address, port = values.get("addr", ""), values.get("port")
    known = isinstance(address, str) and (port is None or type(port) is int)
    return NatTarget(address, port) if known else None
