"""What was measured how often, and what follows from it; pure. All times are seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

# What is done, for tables and budgets.
NOTHING, PLAN, STATUS = "nothing to do", "plan", "status"
CHANGE, FRESH, SERVED = "configuration change", "fresh", "fresh, until the VIP answers"
OWN = "fresh, but for VRRP's own wait"
HELP, VERSION, PASS = "--help", "--version", "python -c pass"
# Who does it.
SSH, HADEPLOY, ANSIBLE, PYINFRA, PYTHON = "raw ssh", "hadeploy", "Ansible", "pyinfra", "Python"


@dataclass(frozen=True)
class Key:
    """One row of a table.

    Args:
        what: is done.
        tool: does it.
    """

    what: str
    tool: str


@dataclass(frozen=True)
class Sample:
    """One run.

    Args:
        seconds: from start to end.
        cpu: of this machine's processors, by the tool here; None where that says nothing.
    """

    seconds: float
    cpu: float | None = None


@dataclass
class Samples:
    """All runs, by what was done and who did it, in the order in which each came first.

    Attributes:
        runs: all of them.
        tell: told each as it comes.
    """

    runs: dict[Key, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    tell: Callable[[str], None] = lambda _: None

    def add(self, what: str, tool: str, seconds: float, cpu: float | None = None) -> None:
        """One run more."""
        self.runs[Key(what, tool)].append(Sample(seconds, cpu))
        self.tell(f"{tool}, {what}: {seconds:.2f} s")

    def __contains__(self, key: Key) -> bool:
        return bool(self.runs.get(key))

    def seconds(self, key: Key) -> Sequence[float]:
        """How long each run took."""
        return [run.seconds for run in self.runs[key]]

    def median(self, key: Key) -> float:
        """How long the median run took.

        Raises:
            KeyError: there was none.
        """
        if key not in self:
            raise KeyError(key)
        return median(self.seconds(key))

    def cpu(self, key: Key) -> float | None:
        """Processor time here, in the median run; None where it was not measured."""
        known = [run.cpu for run in self.runs[key] if run.cpu is not None]
        return median(known) if known else None

    def ratio(self, top: Key, bottom: Key) -> float | None:
        """The one median over the other; None where one of them was not measured."""
        return self.median(top) / self.median(bottom) if top in self and bottom in self else None


@dataclass(frozen=True)
class Line:
    """What goes up by the same for each step.

    Args:
        base: at zero.
        slope: more for each one more.
        r2: how much of what was measured it explains, 1 for all of it.
    """

    base: float
    slope: float
    r2: float


def fitted(points: Sequence[tuple[float, float]]) -> Line:
    """The line of least squares.

    Args:
        points: at least two different x.

    Raises:
        ValueError: there are not.
    """
    if len({x for x, _ in points}) < 2:
        raise ValueError("a line needs points at two places at least")
    middle_x, middle_y = mean(x for x, _ in points), mean(y for _, y in points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    slope = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    base = middle_y - slope * middle_x
    rest = sum((y - base - slope * x) ** 2 for x, y in points)
    whole = sum((y - middle_y) ** 2 for _, y in points)
    return Line(base, slope, 1 - rest / whole if whole else 1.0)
