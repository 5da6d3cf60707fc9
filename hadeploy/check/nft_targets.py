"""Where rules of nftables send connections. Pure.

The JSON is that of libnftables-json(5). It comes from a node: what makes no sense is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NatTarget:
    """The target of `dnat` or `redirect`.

    Attributes:
        address: "" for one of the node itself.
        port: None where it stays the same.
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
        """Whether haproxy gets the connection anyway.

        Args:
            port: where the connection goes.
            own: addresses on which haproxy serves that port.
        """
        return self.port in (None, port) and self.address in ("", *own)


def sent_to(expressions: Iterable[Mapping[str, Any]]) -> NatTarget | None:
    """Where a rule sends connections; None if that is not one address and one port.

    Args:
        expressions: of the rule.
    """
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
