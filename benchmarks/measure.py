"""Measure changes under traffic, one after the other, each on a healthy cluster."""

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
    """Deploy the cluster with one tool, make all changes, and clean the nodes.

    Args:
        lab: the nodes, which are cleaned first.
        tool: makes the changes.
        scenarios: the changes; those that the tool does not support are skipped.
        rounds: the number of measurements of each change, alternately forward and back.
        tell: receives the current work and the results.

    Returns:
        The rows, each as soon as it is measured.

    Raises:
        HadeployError: the base state could not be reached.
        OSError: the cluster does not serve in the base state.
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
            result = measure(
                lab, tool.commands(scenario, there=scenario.by_hand or not changed, holder=holder)
            )
            measurements.append(result)
            tell(f"{tool.title}: {scenario.title}, round {number}: {_as_text(result)}")
            changed = not changed
            if result.trouble:
                # The state is unknown: start again.
                clean(lab)
                _to_base(lab, tool)
                changed = False
        yield Row(scenario.title, tool.title, scenario.reload, measurements)
        _to_base(lab, tool)
    clean(lab)


def measure(lab: Lab, commands: list[Command]) -> Measurement:
    """Run commands under traffic until the cluster has been steady for five seconds.

    Args:
        lab: with a cluster that serves.
        commands: of the change.

    Raises:
        HadeployError, OSError: the cluster did not serve at the start.
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
    """Wait until the VIP has been on the same node for five seconds.

    Raises:
        HadeployError: not within a minute.
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
    """The nodes that have the VIP."""
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
    """Return to the base state; if that fails, clean the nodes and try once more."""
    for last in (False, True):
        _, trouble = run_all(tool.base())
        if not trouble:
            with contextlib.suppress(HadeployError):
                wait_steady(lab)
                _wait_backends(lab)
                return
        if last:
            raise HadeployError(trouble or "not steady", operation=f"deploying with {tool.title}")
        clean(lab)


def _wait_backends(lab: Lab) -> None:
    """Wait until all requests through the VIP are answered."""

    def served() -> bool:
        try:
            with Traffic(lab.vip, PORT, answers=20) as traffic:
                pass
        except OSError:
            return False
        return not any(request.error for request in traffic.observed.requests)

    wait_until(served, what="the VIP to serve", timeout=30, interval=0.5)


def _as_text(result: Measurement) -> str:
    return (
        f"{len(result.failed)} of {len(result.requests)} failed, {len(result.slow)} slow, "
        f"gap {result.gap * 1000:.0f} ms at {result.gap_began:.1f} s "
        f"(probe late {result.late * 1000:.0f} ms), "
        f"{len(result.cut)} of {len(result.long_lived)} long-lived cut, took {result.took:.1f} s"
        + "".join(f"\n    {trouble}" for trouble in result.troubles())
    )
