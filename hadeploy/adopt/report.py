"""The verdicts on the lines of a file that is replaced. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

from hadeploy.adopt.difference import Difference
from hadeploy.config_files.haproxy import Line

CONDITIONAL = "it depends on a condition (.if), which the inventory does not support"


class Verdict(enum.IntEnum):
    """The verdict on a line; for a line that applies to several sections, the highest."""

    NO_EFFECT = 0
    """The line has no effect in its section or in hadeploy's container."""
    SAME = 1
    """hadeploy's file has the same setting."""
    REPLACED = 2
    """hadeploy provides it in another way."""
    REPORTED = 3
    """A difference contains the line or its section."""


@dataclass
class Report:
    """The verdicts on the lines of a file, and the differences.

    Attributes:
        verdicts: of the lines that are judged so far.
        differences: an ordered set.
    """

    verdicts: dict[Line, Verdict] = field(default_factory=dict)
    differences: dict[Difference, None] = field(default_factory=dict)

    def judge(self, line: Line, verdict: Verdict) -> None:
        """Set the verdict on a line."""
        self.verdicts[line] = max(verdict, self.verdicts.get(line, verdict))

    def add(self, *differences: Difference) -> None:
        """Add differences."""
        self.differences |= dict.fromkeys(differences)

    def lose(self, line: Line, *differences: Difference) -> None:
        """Report a line without a counterpart."""
        self.judge(line, Verdict.REPORTED)
        if line.conditional:
            differences = tuple(replace(d, keep=None, why=CONDITIONAL) for d in differences)
        self.add(*differences)
