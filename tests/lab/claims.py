"""Other programs that claim the VIP: the second table of docs/faults.md.

Each row is one test of test_claims.py; faults_document.py renders the results.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tests.lab.traffic import Probe


@dataclass(frozen=True)
class Claim:
    """A program that claims the VIP.

    Attributes:
        name: for people.
        when: the event.
    """

    name: str
    when: str

    @property
    def row(self) -> str:
        """The key of its result."""
        return f"{self.name}, {self.when}"


OLD_PAIR = Claim("an old pair comes back at reboot", "a backup reboots beside it")
SECOND_CLUSTER = Claim("a second cluster claims the VIP", "before its first `up`")

CLAIMS = [OLD_PAIR, SECOND_CLUSTER]


def record(claim: Claim, *, code: int, saw: str, probe: Probe, end: str) -> None:
    """Store the result of a row for the document.

    Args:
        claim: which.
        code: the exit code of the command that reported it.
        saw: its message.
        probe: requests through the VIP meanwhile.
        end: how the claim ended.
    """
    file = os.environ.get("HADEPLOY_FAULTS")
    if not file:
        return
    vip = "every request" if not probe.failed else f"back within {ceil(probe.silence)} s"
    line = {"claim": claim.row, "code": code, "saw": saw, "vip": vip, "end": end}
    with Path(file).open("a") as table:
        table.write(json.dumps(line) + "\n")
