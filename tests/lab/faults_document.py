"""docs/faults.md, from what came of each row of the table.

A test session with HADEPLOY_FAULTS=FILE adds a line to that file for each row that is green, and
`python -m tests.lab.faults_document <FILE >docs/faults.md` makes the document of them.
"""

from __future__ import annotations

import json
import os
import sys
from math import ceil
from pathlib import Path

from tests.lab.claims import CLAIMS
from tests.lab.faults import ROWS
from tests.lab.traffic import Probe

HEADING = """# Faults

These tables list the tested faults: the fault, the moment of `hadeploy up`, the node, and the
result. `make faults` writes them. It causes each fault on a real lab, and adds a row if the test of
the fault passed. In all tests the run ended by itself with the exit code shown, and nothing that
existed before was lost. After the fault was repaired, and without any other action, the next `up`
converged, and the one after that had nothing to do.

`tests/lab/faults.py` contains the code that causes the faults. All faults are real (for example,
memory runs out in the container, and the kernel kills haproxy) except for the clock, because the
nodes of a lab have no clock of their own: there, the programs that print the time print that of
tomorrow.

The timeout was 10 s without a sign of life of a node (`ssh.command_timeout`), and 3 s for a
connection (`ssh.connect_timeout`).

*VIP*: one request through the VIP every few milliseconds, from before the fault until after the
next `up`. "every request" means that all requests were answered. A time is the longest time without
an answer. It is a direct effect of the fault: the failover, the restart, or requests that had just
been sent to an API server that failed with its node.

| fault | when | node | exit | what the user saw | VIP | next `up` |
|---|---|---|---|---|---|---|
"""

BETWEEN = """
## Between runs

These faults happened while no run was active. The table shows the command that reported the fault,
its exit code, and what ended the fault. The tests are those that call `record_between` in
`tests/lab/faults_document.py`.

| what happened | node | command | exit | what the user saw | VIP | ended by |
|---|---|---|---|---|---|---|
"""


def record_between(
    fault: str, node: str, command: str, code: int, saw: str, probe: Probe | None, ended_by: str
) -> None:
    """Record what happened between two runs, if a document is to be made of it.

    Args:
        fault: what happened, in words.
        node: holder or backup.
        command: the one that reported it.
        code: its exit code.
        saw: the line that reported it.
        probe: of the VIP, from before it happened until it was over.
        ended_by: what ended it, as Markdown.
    """
    if not (file := os.environ.get("HADEPLOY_FAULTS")):
        return
    silent = probe and probe.failed
    vip = f"back within {ceil(probe.silence)} s" if probe and silent else "every request"
    vip = vip if probe else "not asked"
    words = [fault, node, f"`{command}`", str(code), saw.replace("|", "\\|"), vip, ended_by]
    with Path(file).open("a") as record:
        record.write(json.dumps({"between": words}) + "\n")


def between(lines: list[str]) -> str:
    """The second table, of what `record_between` has recorded."""
    rows = sorted(done["between"] for done in map(json.loads, lines) if "between" in done)
    return BETWEEN + "".join(f"| {' | '.join(row)} |\n" for row in rows) if rows else ""


INTERRUPTED = """
## Runs that end early

Each change was started again for every line of its progress, and at that line the run ended, or was
stopped for three seconds. Nothing was changed on the nodes by hand. The VIP answered every request,
the next `up` converged, and the one after that had nothing to do. The test is
`tests/lab/test_crash.py`. `tests/lab/test_abandoned.py` tests what the nodes do if no `up` follows.

| what was changed | how the run ended | moments | exit codes |
|---|---|--:|---|
"""


def record_interrupted(change: str, kind: str, codes: list[int]) -> None:
    """Record that a change survived an end at every moment, if a document is to be made of it.

    Args:
        change: what was changed, in words.
        kind: how the run ended, in words.
        codes: the exit code of each moment.
    """
    if not (file := os.environ.get("HADEPLOY_FAULTS")):
        return
    # A negative one is a signal's number (subprocess.Popen.returncode).
    names = [str(code) if code >= 0 else "killed" for code in codes]
    seen = ", ".join(f"{name} ({names.count(name)}x)" for name in sorted(set(names)))
    with Path(file).open("a") as record:
        record.write(json.dumps({"interrupted": [change, kind, str(len(codes)), seen]}) + "\n")


def interrupted(lines: list[str]) -> str:
    """The table of what `record_interrupted` has recorded."""
    reported = map(json.loads, lines)
    rows = sorted(done["interrupted"] for done in reported if "interrupted" in done)
    return INTERRUPTED + "".join(f"| {' | '.join(row)} |\n" for row in rows) if rows else ""


CLAIMS_HEADING = """
## Other claims on the VIP

Other software on a node that claims the VIP, and that hadeploy reports before it causes a failure.
Each row is a test in `tests/lab/test_claims.py`. *exit* is the exit code of the command that
reported it.

| what | when | exit | what the user saw | VIP | what ends it |
|---|---|---|---|---|---|
"""


def document(lines: list[str]) -> str:
    """The recorded rows, in the table's order, as Markdown."""
    reported = [json.loads(line) for line in lines]
    green = {line["row"]: line for line in reported if "row" in line}
    claimed = {line["claim"]: line for line in reported if "claim" in line}
    text = HEADING
    for row in ROWS:
        if done := green.get(row.name):
            saw = done["saw"].replace("|", "\\|")
            text += (
                f"| {row.fault.name} | {row.when} | {row.node} | {done['code']} | {saw} "
                f"| {done['vip']} | {done['next']} |\n"
            )
    text += CLAIMS_HEADING
    for claim in CLAIMS:
        if done := claimed.get(claim.row):
            saw = done["saw"].replace("|", "\\|")
            text += (
                f"| {claim.name} | {claim.when} | {done['code']} | {saw} "
                f"| {done['vip']} | {done['end']} |\n"
            )
    return text + between(lines) + interrupted(lines)


if __name__ == "__main__":
    sys.stdout.write(document(sys.stdin.readlines()))
