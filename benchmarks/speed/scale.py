"""Time and memory of one look at clusters of many nodes, beside raw ssh to the same nodes."""

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
# The nodes carry nothing: it does not serve.
_CODES = (ExitCode.NOT_PROVEN, ExitCode.DOWN)


@dataclass(frozen=True)
class Look:
    """One look at a cluster.

    Args:
        nodes: how many it has.
        seconds: how long it took.
        cpu: processor time here.
        megabytes: the most memory of the process; None for raw ssh, which is many.
    """

    nodes: int
    seconds: float
    cpu: float
    megabytes: float | None = None


@dataclass
class Looks:
    """All of them, by who looked."""

    by: dict[str, list[Look]] = field(default_factory=lambda: {SSH: [], HADEPLOY: []})

    def line(self, tool: str, of: Callable[[Look], float | None]) -> Line:
        """How a figure grows with the nodes; pure.

        Args:
            tool: who looked.
            of: the figure.
        """
        points = [(look.nodes, of(look)) for look in self.by[tool]]
        return fitted([(nodes, value) for nodes, value in points if value is not None])

    def at(self, tool: str, nodes: int, of: Callable[[Look], float | None]) -> list[float]:
        """A figure at one size, in every look."""
        values = [of(look) for look in self.by[tool] if look.nodes == nodes]
        return [value for value in values if value is not None]

    @property
    def sizes(self) -> list[int]:
        """How many nodes there were, each number once."""
        return sorted({look.nodes for look in self.by[HADEPLOY]})


def measure_scale(
    name: str, sizes: Sequence[int], rounds: int, folder: Path, tell: Callable[[str], None]
) -> Looks:
    """Look at clusters of several sizes, with both by turns.

    Args:
        name: for the nodes; that of no lab.
        sizes: how many nodes.
        rounds: how often.
        folder: for files.
        tell: told what is done.

    Raises:
        HadeployError: something failed.
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
        raise HadeployError(f"{len(seen)} of {size} nodes answered", operation="looking at them")
    megabytes = int(note.read_text()) / 1024
    looks.by[HADEPLOY].append(Look(size, done.seconds, done.cpu, megabytes))


def judge_scale(looks: Looks) -> list[Judged]:
    """What was promised of growth; pure."""
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
    """All of it as Markdown; pure."""
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
    """The middle of a figure at each size, by who looked; pure.

    Args:
        looks: all of them.
        of: the figure; who has none is left out.
    """
    found = {
        tool: [(size, median(v)) for size in looks.sizes if (v := looks.at(tool, size, of))]
        for tool in looks.by
    }
    return {tool: points for tool, points in found.items() if points}


def _grows(line: Line) -> str:
    return f"{line.base:.2f} s and {line.slope * 1000:.0f} ms for each node (R² {line.r2:.3f})"
