"""The scenarios of a drill as data, and the victims of each. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hadeploy.desired.roles import Role
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities


@dataclass(frozen=True)
class Permission:
    """The option that a scenario requires.

    Attributes:
        option: the option of the command line.
        reason: for the error without the option.
        help: the help text of the option.
    """

    option: str
    reason: str
    help: str


@dataclass(frozen=True)
class Scenario:
    """One kind of failure.

    Attributes:
        name: the name on the command line.
        description: for help texts and reports.
        failure: tasks/drill.sh has the functions `break_FAILURE` and `mend_FAILURE`.
        victims: the holder, the holder and the next node, or every set of nodes except all.
        permission: the option that the scenario requires; None: no option.
        timed: whether only the time limit ends the failure, not this machine.
        until_repaired: whether a victim cannot serve before the repair; otherwise it may recover
            earlier.
        leaves_vip: whether the VIP may stay on a victim until the repair, while another node has it
            too.
        freezes: the program that is frozen; the engine does not detect that.
    """

    name: str
    description: str
    failure: str
    victims: Literal["holder", "pair", "subsets"] = "holder"
    permission: Permission | None = None
    timed: bool = False
    until_repaired: bool = False
    leaves_vip: bool = False
    freezes: Role | None = None


SCENARIOS = (
    Scenario(
        "haproxy-stop",
        "haproxy is stopped on the holder (docker stop)",
        "haproxy_stop",
        until_repaired=True,
    ),
    Scenario("haproxy-kill", "haproxy is killed on the holder (SIGKILL)", "haproxy_kill"),
    Scenario(
        "haproxy-hang",
        "haproxy is frozen on the holder (SIGSTOP): it listens but does not answer",
        "haproxy_hang",
        until_repaired=True,
        freezes="haproxy",
    ),
    Scenario(
        "keepalived-stop",
        "keepalived is stopped on the holder (docker stop)",
        "keepalived_stop",
        until_repaired=True,
    ),
    Scenario(
        "keepalived-kill",
        "keepalived is killed on the holder (SIGKILL), which leaves the VIP there",
        "keepalived_kill",
        leaves_vip=True,
    ),
    Scenario(
        "keepalived-hang",
        "keepalived is frozen on the holder (SIGSTOP): it sends no adverts and keeps the VIP",
        "keepalived_hang",
        leaves_vip=True,
        freezes="keepalived",
    ),
    Scenario(
        "docker-restart",
        "the Docker engine is restarted on the holder",
        "docker_restart",
        permission=Permission(
            "--allow-docker-restart",
            "it affects every container on the node",
            "Allow restarting Docker (affects every container on the node).",
        ),
    ),
    Scenario(
        "link-down",
        "the holder's network interface is down",
        "link_down",
        permission=Permission(
            "--allow-link-down",
            "the node is unreachable for some seconds",
            "Allow taking the network interface of a node down.",
        ),
        timed=True,
        leaves_vip=True,
    ),
    Scenario(
        "node-pair",
        "haproxy is stopped on the holder and on the next node",
        "haproxy_stop",
        victims="pair",
        until_repaired=True,
    ),
    Scenario(
        "all",
        "haproxy is stopped on every set of nodes except all of them",
        "haproxy_stop",
        victims="subsets",
        until_repaired=True,
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
NAMES = tuple(BY_NAME)
PERMISSIONS = tuple(scenario.permission for scenario in SCENARIOS if scenario.permission)


def select_scenarios(names: Sequence[str], allowed: Sequence[str]) -> list[Scenario]:
    """The scenarios with these names, in this order; without a name, the first scenario.

    Args:
        names: from the command line.
        allowed: the options of permissions that were given.

    Raises:
        HadeployError: unknown scenario, or a required option is missing.
    """
    if unknown := [name for name in names if name not in BY_NAME]:
        raise HadeployError(
            f"unknown scenario {unknown[0]}",
            operation="selecting scenarios",
            hint=f"scenarios: {', '.join(NAMES)}",
            code=ExitCode.USAGE,
        )
    found = [BY_NAME[name] for name in names or NAMES[:1]]
    for scenario in found:
        permission = scenario.permission
        if permission and permission.option not in allowed:
            raise HadeployError(
                f"{scenario.name} requires {permission.option}: {permission.reason}",
                operation="selecting scenarios",
                hint=f"hadeploy drill {scenario.name} {permission.option}",
                code=ExitCode.USAGE,
            )
    return found


def victim_sets(scenario: Scenario, nodes: Sequence[str]) -> list[tuple[str, ...]]:
    """The victims of each round; an empty set means that they depend on the current holder.

    Args:
        scenario: the scenario.
        nodes: the labels of all nodes.
    """
    if scenario.victims != "subsets":
        return [()]
    sizes = range(1, len(nodes))
    return [victims for size in sizes for victims in itertools.combinations(nodes, size)]


def victims_of(scenario: Scenario, holder: str, standby: Sequence[str]) -> tuple[str, ...]:
    """The victims of a round that depend on the holder.

    Args:
        scenario: the scenario.
        holder: the holder of the VIP.
        standby: the nodes that can take it over, by descending priority.

    Raises:
        HadeployError: too few nodes would remain.
    """
    pair = scenario.victims == "pair"
    victims = (holder, *standby[:1]) if pair else (holder,)
    if len(standby) < (2 if pair else 1):
        raise HadeployError(
            "no healthy node would remain to take the VIP",
            operation=f"preparing {scenario.name}",
            hint="`hadeploy verify` shows the problems of the other nodes",
        )
    return victims


def failback_node(cluster: Cluster, healthy: Sequence[str]) -> str | None:
    """The node to which the VIP returns after the repair; None: it stays on its new node.

    Args:
        cluster: the inventory.
        healthy: the labels of the nodes that can hold the VIP; at least one.
    """
    if not cluster.vrrp.preempt:
        return None
    return max(healthy, key=lambda node: priorities(cluster)[node])
