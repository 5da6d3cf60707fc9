"""Time and memory of `status` for clusters with many nodes, compared with raw ssh."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.command import Command
from benchmarks.speed import peak
from benchmarks.speed.budgets import Judged, limit
from benchmarks.speed.crowd import Crowd, crowd
from benchmarks.speed.floor import RawSsh
from benchmarks.speed.samples import HADEPLOY, SSH, Line, fitted
from benchmarks.speed.tables import duration, spread, table
from benchmarks.speed.times import well
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.load import load_inventory
from hadeploy.observe.gather import observation_script

SIZES = (3, 10, 30, 100)
SLOPE_MOST = 1.2
MEGABYTES_MOST = 1.5
# The nodes have no load balancer, so the cluster does not serve.
_CODES = (ExitCode.NOT_PROVEN, ExitCode.DOWN)


@dataclass(frozen=True)
class Look:
    """One observation of a cluster.

    Args:
        nodes: the number of nodes.
        seconds: the duration.
        cpu: the CPU time on this machine.
        megabytes: the maximum memory of the process; None for raw ssh, which has many.
    """

    nodes: int
    seconds: float
    cpu: float
    megabytes: float | None = None


@dataclass
class Looks:
    """All observations, by tool."""

    by: dict[str, list[Look]] = field(default_factory=lambda: {SSH: [], HADEPLOY: []})

    def line(self, tool: str, of: Callable[[Look], float | None]) -> Line:
        """The growth of a figure with the number of nodes. Pure.

        Args:
            tool: the tool.
            of: the figure.
        """
        points = [(look.nodes, of(look)) for look in self.by[tool]]
        return fitted([(nodes, value) for nodes, value in points if value is not None])

    def at(self, tool: str, nodes: int, of: Callable[[Look], float | None]) -> list[float]:
        """A figure for one number of nodes, in every observation."""
        values = [of(look) for look in self.by[tool] if look.nodes == nodes]
        return [value for value in values if value is not None]

    @property
    def sizes(self) -> list[int]:
        """The numbers of nodes, sorted."""
        return sorted({look.nodes for look in self.by[HADEPLOY]})


def measure_scale(
    name: str, sizes: Sequence[int], rounds: int, folder: Path, tell: Callable[[str], None]
) -> Looks:
    """Observe clusters of several sizes, with both tools in turn.

    Args:
        name: of the nodes; not the name of a lab.
        sizes: the numbers of nodes.
        rounds: the number of rounds.
        folder: for temporary files.
        tell: receives the current work.

    Raises:
        HadeployError: an observation failed.
    """
    looks = Looks()
    with crowd(name, max(sizes), tell) as made:
        for number in range(1, rounds + 1):
            for size in sizes:
                tell(f"{size} nodes, round {number}")
                _look(made, size, folder, looks)
    return looks


def _look(made: Crowd, size: int, folder: Path, looks: Looks) -> None:
    inventory = folder / f"{size}.yaml"
    inventory.write_text(made.inventory(size))
    script = observation_script(load_inventory(inventory), versions=True)
    raw = RawSsh(made.state.ssh_config, made.addressing.nodes[:size], script, folder).finish()
    looks.by[SSH].append(Look(size, raw.seconds, raw.cpu))
    note = folder / "peak"
    wrapped = (sys.executable, "-I", "-S", str(peak.__file__), str(note))
    hadeploy = (sys.executable, "-m", "hadeploy", "status", "-i", str(inventory), "--json")
    done = well(Command((*wrapped, *hadeploy)), _CODES)
    seen = [n for n in json.loads(done.out)["status"]["nodes"] if n["error"] is None]
    if len(seen) != size:
        raise HadeployError(f"{len(seen)} of {size} nodes answered", operation="observing nodes")
    megabytes = int(note.read_text()) / 1024
    looks.by[HADEPLOY].append(Look(size, done.seconds, done.cpu, megabytes))


def judge_scale(looks: Looks) -> list[Judged]:
    """The results of the budgets for growth. Pure."""
    own, raw = (looks.line(tool, lambda look: look.seconds).slope for tool in (HADEPLOY, SSH))
    memory = looks.line(HADEPLOY, lambda look: look.megabytes).slope
    ratio = own / raw if raw > 0 else None
    return [
        limit(
            f"`status`: each node more takes ≤ {SLOPE_MOST:g} times what it takes raw ssh",
            *(ratio, SLOPE_MOST, f"{ratio or 0:.2f} times"),
        ),
        limit(
            f"`status`: each node more needs < {MEGABYTES_MOST:g} MB of memory",
            *(memory, MEGABYTES_MOST, f"{memory:.2f} MB"),
        ),
    ]


def scale_table(looks: Looks) -> list[str]:
    """The results as Markdown. Pure."""
    rows = []
    for size in looks.sizes:
        own = looks.at(HADEPLOY, size, lambda look: look.seconds)
        raw = looks.at(SSH, size, lambda look: look.seconds)
        memory = looks.at(HADEPLOY, size, lambda look: look.megabytes)
        rows.append(
            (
                str(size),
                duration(median(raw)),
                spread(raw),
                duration(median(own)),
                spread(own),
                f"{median(own) / median(raw):.2f}",
                duration(median(looks.at(HADEPLOY, size, lambda look: look.cpu))),
                f"{median(memory):.1f} MB",
            )
        )
    names = ("nodes", SSH, "min..max", "`status`", "min..max", "÷ raw", "CPU here", "memory")
    own_line, raw_line = (looks.line(t, lambda look: look.seconds) for t in (HADEPLOY, SSH))
    memory_line = looks.line(HADEPLOY, lambda look: look.megabytes)
    return [
        *table(names, rows, left=0),
        "",
        f"By least squares: raw ssh {_grows(raw_line)}, `status` {_grows(own_line)}; memory "
        f"{memory_line.base:.1f} MB and {memory_line.slope:.2f} MB for each node "
        f"(R² {memory_line.r2:.3f}).",
    ]


def medians(
    looks: Looks, of: Callable[[Look], float | None]
) -> Mapping[str, list[tuple[int, float]]]:
    """The median of a figure for each number of nodes, by tool. Pure.

    Args:
        looks: all observations.
        of: the figure; tools without it are omitted.
    """
    found = {
        tool: [(size, median(v)) for size in looks.sizes if (v := looks.at(tool, size, of))]
        for tool in looks.by
    }
    return {tool: points for tool, points in found.items() if points}


def _grows(line: Line) -> str:
    return f"{line.base:.2f} s and {line.slope * 1000:.0f} ms for each node (R² {line.r2:.3f})"
