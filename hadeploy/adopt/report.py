"""What becomes of each line of a file that is replaced. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

from hadeploy.adopt.difference import Difference
from hadeploy.config_files.haproxy import Line

CONDITIONAL = "it is under a condition (.if), which an inventory cannot say"


class Verdict(enum.IntEnum):
    """What becomes of a line; of a line that applies to several sections the highest counts."""

    NO_EFFECT = 0
    """It does nothing where it stands, or means nothing in our container."""
    SAME = 1
    """Ours says the same."""
    REPLACED = 2
    """Ours does it in its own way."""
    TOLD = 3
    """A difference names it, or the section that goes with it."""


@dataclass
class Report:
    """What is said of each line of a file.

    Attributes:
        verdicts: of the lines that were judged so far.
        differences: in the order in which they were found.
    """

    verdicts: dict[Line, Verdict] = field(default_factory=dict)
    differences: dict[Difference, None] = field(default_factory=dict)

    def judge(self, line: Line, verdict: Verdict) -> None:
        """What becomes of a line."""
        self.verdicts[line] = max(verdict, self.verdicts.get(line, verdict))

    def tell(self, *differences: Difference) -> None:
        """What changes."""
        self.differences |= dict.fromkeys(differences)

    def lose(self, line: Line, *differences: Difference) -> None:
        """A line that ours does not have."""
        self.judge(line, Verdict.TOLD)
        if line.conditional:
            differences = tuple(replace(one, keep=None, why=CONDITIONAL) for one in differences)
        self.tell(*differences)
