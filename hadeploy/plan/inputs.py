"""What a run is given: by the inventory, and by the user for this once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from hadeploy.inventory.cluster import Cluster

if TYPE_CHECKING:
    from hadeploy.observe.observed_node import ObservedNode


@dataclass(frozen=True)
class Login:
    """Who we are at a registry.

    Attributes:
        registry: host or host:port; nobody else gets the password.
        user: the name there.
        password: sent to the node on stdin, and there to the Docker client on stdin.
    """

    registry: str
    user: str
    password: SecretStr


@dataclass(frozen=True)
class Inputs:
    """All that a run is given; read once, at the start.

    Attributes:
        cluster: the inventory.
        folder: where the inventory is; paths in it are relative to that.
        templates: the user's own folder of templates, if there is one.
        password: the VRRP password, resolved, or None.
        login: resolves the login for the registry, if there is one; asked only when images are
            pulled.
    """

    cluster: Cluster
    folder: Path
    templates: Path | None
    password: SecretStr | None
    login: Callable[[], Login | None] = lambda: None


@dataclass(frozen=True)
class RunOptions:
    """What the user says about this one run.

    Attributes:
        forget: addresses of former nodes that are gone.
        prune: whether former nodes are stopped and cleaned.
        only: labels of the nodes that may be changed; empty for all.
        without: labels of nodes that are left out altogether.
        adopt: whether a cluster that was set up by hand is taken over.
        skip: ids of checks that are not made.
        former: addresses of nodes to prune that no node of the inventory has a record of.
        pruned: addresses of the former nodes that `prune` concerns.
        departing: those of them that are not stopped yet, as observed, by address.
    """

    forget: tuple[str, ...] = ()
    prune: bool = False
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    adopt: bool = False
    skip: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    departing: Mapping[str, ObservedNode] = field(default_factory=dict)

    @property
    def partial(self) -> str:
        """The option that keeps some nodes from being changed; "" if there is none."""
        return "--limit" if self.only else "--allow-degraded" if self.without else ""
