"""The two containers of a node."""

from __future__ import annotations

from typing import Literal

Role = Literal["haproxy", "keepalived"]
ROLES: tuple[Role, ...] = ("haproxy", "keepalived")
