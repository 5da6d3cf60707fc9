"""One change after the other under traffic, each from a healthy cluster."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.command import Command
from benchmarks.figures import Measurement, Row
from benchmarks.scenarios import Scenario
from benchmarks.tools import Tool, run_all
from benchmarks.traffic import Traffic
from hadeploy.errors import HadeployError
from hadeploy.lab import by_hand
from hadeploy.lab.lab import Lab
from hadeploy.lab.waiting import wait_until

PORT = 9443
STEADY_SECONDS = 5.0
_SETTLED_SECONDS = 60.0

Tell = Callable[[str], None]


def measure_tool(
    lab: Lab, tool: Tool, scenarios: list[Scenario], rounds: int, tell: Tell
) -> Iterator[Row]:
    """Bring the cluster up with one tool, make all changes, and clean the nodes.

    Args:
        lab: the nodes; whatever they carry is removed first.
        tool: what makes the changes.
        scenarios: the changes; those that the tool does not have are left out.
        rounds: how often each one is measured, there and back by turns.
        tell: told what is being done and what was measured.

    Returns:
        A row as soon as it is there.

    Raises:
        HadeployError: the cluster cannot be brought into its base state.
        OSError: it does not serve there.
    """
    clean(lab)
    _to_base(lab, tool)
    for scenario in filter(tool.can, scenarios):
        measurements = []
        changed = False
        for number in range(1, rounds + 1):
            if scenario.by_hand:
                clean(lab)
                by_hand.set_up(lab)
            holder = holders(lab)[0]
            made = measure(
                lab, tool.commands(scenario, there=scenario.by_hand or not changed, holder=holder)
            )
            measurements.append(made)
            tell(f"{tool.title}: {scenario.title}, round {number}: {_in_words(made)}")
            changed = not changed
            if made.trouble:
                # Who knows what state that left: start over.
                clean(lab)
                _to_base(lab, tool)
                changed = False
        yield Row(scenario.title, tool.title, scenario.reload, measurements)
        _to_base(lab, tool)
    clean(lab)


def measure(lab: Lab, commands: list[Command]) -> Measurement:
    """Run commands under traffic, until the cluster has been steady for five seconds.

    Args:
        lab: with a cluster that serves.
        commands: the change.

    Raises:
        HadeployError: the cluster did not serve at the start.
        OSError: the same.
    """
    with Traffic(lab.vip, PORT) as traffic:
        changed = time.monotonic()
        took, trouble = run_all(commands)
        try:
            wait_steady(lab)
        except HadeployError as error:
            trouble = trouble or str(error)
    return Measurement(traffic.observed, changed, took, trouble)


def wait_steady(lab: Lab) -> None:
    """Wait until the VIP has been on one and the same node for five seconds.

    Raises:
        HadeployError: it has not, within a minute.
    """
    since = time.monotonic()
    last = holders(lab)

    def steady() -> bool:
        nonlocal since, last
        now = holders(lab)
        if now != last or len(now) != 1:
            since, last = time.monotonic(), now
        return time.monotonic() - since >= STEADY_SECONDS

    wait_until(
        steady,
        what="the VIP to stay on one node",
        timeout=_SETTLED_SECONDS,
        interval=0.25,
        detail=lambda: f"it is on {', '.join(last) or 'no node'}",
    )


def holders(lab: Lab) -> list[str]:
    """The nodes that have the VIP on an interface."""
    ask = ["ip", "-o", "address", "show", "to", lab.vip]
    return [node for node in lab.nodes if lab.exec(node, ask).stdout.strip()]


def clean(lab: Lab) -> None:
    """Remove all containers, configurations and virtual addresses from the nodes."""

    def clean_node(node: str) -> None:
        script = f"""
            docker ps --all --quiet | xargs -r docker stop --time 1 >/dev/null
            docker ps --all --quiet | xargs -r docker rm >/dev/null
            rm -rf /etc/hadeploy/* /etc/haproxy/* /etc/keepalived/*
            for address in $(ip -o address show dev eth0 scope global | awk '{{print $4}}'); do
                case $address in
                {lab.address(node)}/*) ;;
                {lab.address6(node) or "none"}/*) ;;
                *) ip address del "$address" dev eth0 ;;
                esac
            done"""
        lab.exec(node, ["sh", "-c", script], timeout=60)

    with ThreadPoolExecutor(max_workers=len(lab.nodes)) as pool:
        list(pool.map(clean_node, lab.nodes))


def _to_base(lab: Lab, tool: Tool) -> None:
    """Bring the base state back, and start over from nothing if that fails."""
    for last in (False, True):
        _, trouble = run_all(tool.base())
        if not trouble:
            with contextlib.suppress(HadeployError):
                wait_steady(lab)
                _wait_backends(lab)
                return
        if last:
            raise HadeployError(trouble or "not steady", operation=f"bringing {tool.title} up")
        clean(lab)


def _wait_backends(lab: Lab) -> None:
    """Wait until traffic through the VIP is answered, all of it."""

    def served() -> bool:
        try:
            with Traffic(lab.vip, PORT, answers=20) as traffic:
                pass
        except OSError:
            return False
        return not any(request.error for request in traffic.observed.requests)

    wait_until(served, what="the VIP to serve", timeout=30, interval=0.5)


def _in_words(made: Measurement) -> str:
    return (
        f"{len(made.failed)} of {len(made.requests)} failed, {len(made.slow)} slow, "
        f"gap {made.gap * 1000:.0f} ms at {made.gap_began:.1f} s "
        f"(probe late {made.late * 1000:.0f} ms), "
        f"{len(made.cut)} of {len(made.long_lived)} long-lived cut, took {made.took:.1f} s"
        + "".join(f"\n    {trouble}" for trouble in made.troubles())
    )
