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

What was broken, at which moment of `hadeploy up`, on which node, and what came of it. Written by
`make faults`, which breaks each of them on a real lab: this table is what the tests go through, and
a row is here when its test was green. In all of them the run ended by itself with the exit code
shown, nothing that was there before was lost, and after the fault was mended, and nothing else, the
next `up` converged and the one after that had nothing to do.

How each is broken is in `tests/lab/faults.py`. All of it is real (memory runs out in the container,
and the kernel ends haproxy for it) but for the clock, of which no node of a lab has one of its own:
there the programs that are asked for the time tell tomorrow's.

A node was given up after 10 s without a sign of life (`ssh.command_timeout`), a connection after
3 s (`ssh.connect_timeout`).

*VIP*: one request through the VIP every few milliseconds, from before the fault until after the
next `up`. "every request" means that all were answered; a time is the longest for which clients
went unanswered, which the fault itself means: the fail-over, the restart, or what had just been
sent to an API server that went dark with its node.

| fault | when | node | exit | what the user saw | VIP | next `up` |
|---|---|---|---|---|---|---|
"""

BETWEEN = """
## Between runs

What happened while no run was at work, the command that told of it with the exit code shown, and
what ended it. The tests are those that call `record_between` in `tests/lab/faults_document.py`.

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
        command: the one that told of it.
        code: its exit code.
        saw: the line that told of it.
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

Each change was begun anew for every line that the run tells of its progress, and at that line the
run ended, or was stopped for three seconds. Nothing was done on the nodes by hand: the VIP answered
every request all the while, the next `up` converged, and the one after that had nothing to do. The
test is `tests/lab/test_crash.py`; what the nodes do where no `up` follows is tested in
`tests/lab/test_abandoned.py`.

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
    told = map(json.loads, lines)
    rows = sorted(done["interrupted"] for done in told if "interrupted" in done)
    return INTERRUPTED + "".join(f"| {' | '.join(row)} |\n" for row in rows) if rows else ""


CLAIMS_HEADING = """
## Other claims on the VIP

What else on a node claims the VIP, and is named before it does harm: each row is a test of
`tests/lab/test_claims.py`. *exit*: of the command that named it.

| what | when | exit | what the user saw | VIP | what ends it |
|---|---|---|---|---|---|
"""


def document(lines: list[str]) -> str:
    """The recorded rows, in the table's order, as Markdown."""
    told = [json.loads(line) for line in lines]
    green = {line["row"]: line for line in told if "row" in line}
    claimed = {line["claim"]: line for line in told if "claim" in line}
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
