"""Measure the time of all operations, with one tool after the other on the same nodes."""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.command import Command, Done
from benchmarks.measure import PORT, clean
from benchmarks.scenarios import Scenario, chosen
from benchmarks.speed.floor import RawSsh
from benchmarks.speed.samples import (
    CHANGE,
    FRESH,
    HADEPLOY,
    HELP,
    NOTHING,
    OWN,
    PASS,
    PLAN,
    PYTHON,
    SERVED,
    SSH,
    STATUS,
    VERSION,
    Samples,
)
from benchmarks.tools import Hadeploy, Tool
from hadeploy.errors import HadeployError
from hadeploy.inventory.load import load_inventory
from hadeploy.lab.lab import Lab
from hadeploy.observe.gather import observation_script

# The number of runs of quick operations in each round.
QUICK_RUNS = 3
PEER_RUNS = 2
_SERVES_SECONDS = 60.0
_ASK_SECONDS = 0.5

Tell = Callable[[str], None]


def change() -> Scenario:
    """The change that is made and reverted: another balance."""
    return chosen(("haproxy-config",))[0]


def floor_of(lab: Lab, config: Path, folder: Path) -> RawSsh:
    """The first observation of `up`, with OpenSSH.

    Args:
        config: of ssh.
        folder: for temporary files.
    """
    cluster = load_inventory(Path(lab.environment["HADEPLOY_INVENTORY"]))
    return RawSsh(config, lab.nodes, observation_script(cluster, depth="fresh"), folder)


def measure_round(
    lab: Lab, tools: Sequence[Tool], folder: Path, samples: Samples, tell: Tell
) -> None:
    """Measure everything with every tool, in their order, each on clean nodes.

    Args:
        lab: the nodes, which are cleaned first.
        tools: the tools.
        folder: for temporary files.
        samples: receives the results.
        tell: receives the current work.

    Raises:
        HadeployError: a command failed.
    """
    for tool in tools:
        tell(f"{tool.title}")
        clean(lab)
        if isinstance(tool, Hadeploy):
            _own_round(lab, tool, floor_of(lab, lab.state.ssh_config, folder), samples)
        else:
            _peer_round(lab, tool, samples)
    clean(lab)


def _own_round(lab: Lab, tool: Hadeploy, floor: RawSsh, samples: Samples) -> None:
    started = time.perf_counter()
    fresh_up(tool, samples)
    samples.add(SERVED, tool.title, until_served(lab) - started)
    make_change(tool, samples, there=True)
    make_change(tool, samples, there=False)
    for _ in range(QUICK_RUNS):
        # Alternate them, so that other load on the machine affects all of them equally.
        _add(samples, NOTHING, SSH, floor.finish())
        nothing_to_do(tool, samples)
        _add(samples, PLAN, HADEPLOY, well(tool.own("plan")))
        _add(samples, STATUS, HADEPLOY, well(tool.own("status"), (0, 4)))
    program = str(Path(sys.executable).with_name("hadeploy"))
    for _ in range(QUICK_RUNS):
        _add(samples, PASS, PYTHON, well(Command((sys.executable, "-c", "pass"))))
        _add(samples, VERSION, HADEPLOY, well(Command((program, VERSION))))
        _add(samples, HELP, HADEPLOY, well(Command((program, HELP))))


def _peer_round(lab: Lab, tool: Tool, samples: Samples) -> None:
    started = time.perf_counter()
    _add(samples, FRESH, tool.title, well(tool.base()[0]))
    samples.add(SERVED, tool.title, until_served(lab) - started)
    make_change(tool, samples, there=True)
    make_change(tool, samples, there=False)
    for _ in range(PEER_RUNS):
        nothing_to_do(tool, samples)


def fresh_up(tool: Hadeploy, samples: Samples) -> None:
    """Deploy on clean nodes, and record the time without the wait for VRRP.

    Raises:
        HadeployError: it failed.
    """
    done = well(tool.own("up", "--json"))
    _add(samples, FRESH, tool.title, done)
    if (waited := json.loads(done.out).get("vip_wait_seconds")) is not None:
        samples.add(OWN, tool.title, done.seconds - waited)


def make_change(tool: Tool, samples: Samples, *, there: bool) -> None:
    """Make the change or revert it.

    Raises:
        HadeployError: it failed.
    """
    (command,) = tool.commands(change(), there=there, holder="")
    _add(samples, CHANGE, tool.title, well(command))


def nothing_to_do(tool: Tool, samples: Samples) -> None:
    """Run the tool again without changes.

    Raises:
        HadeployError: it failed, or hadeploy planned changes.
    """
    done = well(tool.base()[0])
    if isinstance(tool, Hadeploy) and "No changes" not in done.out + done.err:
        raise HadeployError("there were changes", operation="running `up` again", detail=done.err)
    _add(samples, NOTHING, tool.title, done)


def well(command: Command, codes: Sequence[int] = (0,)) -> Done:
    """Run a command that must succeed.

    Args:
        command: of this machine.
        codes: the exit codes that mean success.

    Raises:
        HadeployError: it did not.
    """
    done = command.finish()
    if done.code not in codes:
        raise HadeployError(
            f"exit code {done.code}",
            operation=f"running {' '.join(command.argv[:4])}",
            detail=f"{done.out}\n{done.err}".strip()[-2000:],
        )
    return done


def until_served(lab: Lab) -> float:
    """The time of the first answer through the VIP, on the clock of `time.perf_counter`.

    Raises:
        HadeployError: no answer within a minute.
    """
    deadline = time.monotonic() + _SERVES_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(lab.vip, PORT, timeout=_ASK_SECONDS)
        try:
            connection.request("GET", "/")
            if connection.getresponse().read():
                return time.perf_counter()
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
        finally:
            connection.close()
    raise HadeployError(
        f"not within {_SERVES_SECONDS:g} s", operation="waiting for the VIP to answer"
    )


def _add(samples: Samples, what: str, tool: str, done: Done) -> None:
    samples.add(what, tool, done.seconds, done.cpu)
