"""What can be broken: the scenarios as data, and whom each concerns. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hadeploy.desired.desired_node import Role
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.priorities import priorities


@dataclass(frozen=True)
class Permission:
    """What a scenario is refused without.

    Attributes:
        option: of the command line.
        why: for the error.
        help: of the option.
    """

    option: str
    why: str
    help: str


@dataclass(frozen=True)
class Scenario:
    """One way to break a cluster.

    Attributes:
        name: on the command line.
        does: what is done, for people.
        breaks: `break_` and `mend_` with this are the functions of tasks/drill.sh.
        victims: where: on the holder, on it and on the next one, or on every set of nodes but all.
        needs: the permission without which it is refused.
        bounded: whether it ends by itself on the node, whatever becomes of this machine.
        lasting: whether a victim cannot serve before it is mended; others may come back before.
        left_behind: whether the VIP may stay on a victim until that is mended, while another node
            has it, too.
        freezes: the program that runs on without answering; the engine does not notice.
    """

    name: str
    does: str
    breaks: str
    victims: Literal["holder", "pair", "subsets"] = "holder"
    needs: Permission | None = None
    bounded: bool = False
    lasting: bool = False
    left_behind: bool = False
    freezes: Role | None = None


SCENARIOS = (
    Scenario(
        "haproxy-stop",
        "haproxy is stopped on the holder (docker stop)",
        "haproxy_stop",
        lasting=True,
    ),
    Scenario("haproxy-kill", "haproxy is killed on the holder (SIGKILL)", "haproxy_kill"),
    Scenario(
        "haproxy-hang",
        "haproxy is frozen on the holder (SIGSTOP): it listens and does not answer",
        "haproxy_hang",
        lasting=True,
        freezes="haproxy",
    ),
    Scenario(
        "keepalived-stop",
        "keepalived is stopped on the holder (docker stop)",
        "keepalived_stop",
        lasting=True,
    ),
    Scenario(
        "keepalived-kill",
        "keepalived is killed on the holder (SIGKILL), which leaves the VIP there",
        "keepalived_kill",
        left_behind=True,
    ),
    Scenario(
        "keepalived-hang",
        "keepalived is frozen on the holder (SIGSTOP): it sends no adverts and keeps the VIP",
        "keepalived_hang",
        left_behind=True,
        freezes="keepalived",
    ),
    Scenario(
        "docker-restart",
        "the Docker engine is restarted on the holder",
        "docker_restart",
        needs=Permission(
            "--allow-docker-restart",
            "it concerns every container on that node",
            "Allow restarting Docker (affects every container on the node).",
        ),
    ),
    Scenario(
        "link-down",
        "the holder's network interface is down",
        "link_down",
        needs=Permission(
            "--allow-link-down",
            "for some seconds nothing on that node can be reached",
            "Allow taking the network interface of a node down.",
        ),
        bounded=True,
        left_behind=True,
    ),
    Scenario(
        "node-pair",
        "haproxy is stopped on the holder and on the next node",
        "haproxy_stop",
        victims="pair",
        lasting=True,
    ),
    Scenario(
        "all",
        "haproxy is stopped on every set of nodes but the full one",
        "haproxy_stop",
        victims="subsets",
        lasting=True,
    ),
)
BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
NAMES = tuple(BY_NAME)
PERMISSIONS = tuple(scenario.needs for scenario in SCENARIOS if scenario.needs)


def chosen(names: Sequence[str], allowed: Sequence[str]) -> list[Scenario]:
    """The scenarios of those names, in that order; without a name, the first scenario.

    Args:
        names: as the user gives them.
        allowed: the options that allow more than usual.

    Raises:
        HadeployError: there is no such scenario, or one needs an option that was not given.
    """
    if unknown := [name for name in names if name not in BY_NAME]:
        raise HadeployError(
            f"there is no scenario {unknown[0]}",
            operation="choosing what to break",
            hint=f"scenarios: {', '.join(NAMES)}",
            code=ExitCode.USAGE,
        )
    found = [BY_NAME[name] for name in names or NAMES[:1]]
    for scenario in found:
        needs = scenario.needs
        if needs and needs.option not in allowed:
            raise HadeployError(
                f"{scenario.name}: {needs.why}, so it must be asked for",
                operation="choosing what to break",
                hint=f"hadeploy drill {scenario.name} {needs.option}",
                code=ExitCode.USAGE,
            )
    return found


def sets_of_victims(scenario: Scenario, nodes: Sequence[str]) -> list[tuple[str, ...]]:
    """Whom each round concerns; an empty set means that it depends on who is the holder by then.

    Args:
        scenario: which.
        nodes: the labels of all nodes.
    """
    if scenario.victims != "subsets":
        return [()]
    sizes = range(1, len(nodes))
    return [victims for size in sizes for victims in itertools.combinations(nodes, size)]


def victims_of(scenario: Scenario, holder: str, standby: Sequence[str]) -> tuple[str, ...]:
    """Whom a round concerns that depends on the holder.

    Args:
        scenario: which.
        holder: who holds the VIP.
        standby: who could take it, the best first.

    Raises:
        HadeployError: too few nodes would remain.
    """
    pair = scenario.victims == "pair"
    victims = (holder, *standby[:1]) if pair else (holder,)
    if len(standby) < (2 if pair else 1):
        raise HadeployError(
            "no healthy node would remain to take the VIP",
            operation=f"preparing {scenario.name}",
            hint="`hadeploy verify` tells what is wrong with the others",
        )
    return victims


def home_of(cluster: Cluster, healthy: Sequence[str]) -> str | None:
    """Where the VIP goes by itself once all is well; None: it stays where it is.

    Args:
        cluster: the inventory.
        healthy: the labels of the nodes that could hold it; one at least.
    """
    if not cluster.vrrp.preempt:
        return None
    return max(healthy, key=lambda node: priorities(cluster)[node])
