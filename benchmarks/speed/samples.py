"""Repeated measurements, and figures from them. Pure. All times are in seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

# Operations, for tables and budgets.
NOTHING, PLAN, STATUS = "nothing to do", "plan", "status"
CHANGE, FRESH, SERVED = "configuration change", "fresh", "fresh, until the VIP answers"
OWN = "fresh, but for VRRP's own wait"
HELP, VERSION, PASS = "--help", "--version", "python -c pass"
# Tools.
SSH, HADEPLOY, ANSIBLE, PYINFRA, PYTHON = "raw ssh", "hadeploy", "Ansible", "pyinfra", "Python"


@dataclass(frozen=True)
class Key:
    """A row of a table.

    Args:
        what: the operation.
        tool: the tool.
    """

    what: str
    tool: str


@dataclass(frozen=True)
class Sample:
    """One run.

    Args:
        seconds: from start to end.
        cpu: CPU time of the tool on this machine; None if it is not meaningful.
    """

    seconds: float
    cpu: float | None = None


@dataclass
class Samples:
    """All runs by operation and tool, in the order of their first run.

    Attributes:
        runs: all runs.
        tell: receives each result.
    """

    runs: dict[Key, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    tell: Callable[[str], None] = lambda _: None

    def add(self, what: str, tool: str, seconds: float, cpu: float | None = None) -> None:
        """Add a run."""
        self.runs[Key(what, tool)].append(Sample(seconds, cpu))
        self.tell(f"{tool}, {what}: {seconds:.2f} s")

    def __contains__(self, key: Key) -> bool:
        return bool(self.runs.get(key))

    def seconds(self, key: Key) -> Sequence[float]:
        """The duration of each run."""
        return [run.seconds for run in self.runs[key]]

    def median(self, key: Key) -> float:
        """The duration of the median run.

        Raises:
            KeyError: there are no runs.
        """
        if key not in self:
            raise KeyError(key)
        return median(self.seconds(key))

    def cpu(self, key: Key) -> float | None:
        """The CPU time on this machine in the median run; None if it was not measured."""
        known = [run.cpu for run in self.runs[key] if run.cpu is not None]
        return median(known) if known else None

    def ratio(self, top: Key, bottom: Key) -> float | None:
        """The ratio of two medians; None if one was not measured."""
        return self.median(top) / self.median(bottom) if top in self and bottom in self else None


@dataclass(frozen=True)
class Line:
    """A linear function.

    Args:
        base: the value at zero.
        slope: the increase for each step.
        r2: the coefficient of determination, at most 1.
    """

    base: float
    slope: float
    r2: float


def fitted(points: Sequence[tuple[float, float]]) -> Line:
    """The least squares line.

    Args:
        points: with at least two different x.

    Raises:
        ValueError: with fewer.
    """
    if len({x for x, _ in points}) < 2:
        raise ValueError("a line needs points with at least two different x")
    middle_x, middle_y = mean(x for x, _ in points), mean(y for _, y in points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    base = middle_y - slope * middle_x
    rest = sum((y - base - slope * x) ** 2 for x, y in points)
    whole = sum((y - middle_y) ** 2 for _, y in points)
    return Line(base, slope, 1 - rest / whole if whole else 1.0)
