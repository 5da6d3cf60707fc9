"""The inputs of a run: the inventory and the options."""

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
    """The login for a registry.

    Attributes:
        registry: host or host:port; no other host receives the password.
        user: the name of the user.
        password: sent to the node and to the Docker client on stdin only.
    """

    registry: str
    user: str
    password: SecretStr


@dataclass(frozen=True)
class Inputs:
    """The inventory and its resolved references.

    Attributes:
        folder: of the inventory; paths in the inventory are relative to it.
        templates: the user's folder of templates, or None.
        password: the VRRP password, or None.
        login: returns the login for the registry, or None; called only to pull images.
    """

    cluster: Cluster
    folder: Path
    templates: Path | None
    password: SecretStr | None
    login: Callable[[], Login | None] = lambda: None


@dataclass(frozen=True)
class RunOptions:
    """The user's options of one run.

    Attributes:
        forget: addresses of former nodes to forget.
        prune: whether to stop and clean up former nodes.
        only: labels of the nodes to change; empty for all.
        without: labels of nodes to leave out.
        adopt: whether to take over a cluster that was set up by hand.
        skip: ids of checks to skip.
        former: addresses of nodes to prune that are in no record of the inventory's nodes.
        pruned: addresses of the former nodes that this run prunes.
        departing: the observed state of those that are not stopped yet, by address.
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
        """The option that limits the run to some nodes, or ""."""
        return "--limit" if self.only else "--allow-degraded" if self.without else ""
