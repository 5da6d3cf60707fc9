"""docs/diagnosis.md: all causes."""

from __future__ import annotations

from collections.abc import Collection

from hadeploy.diagnose.all_causes import CAUSES
from hadeploy.diagnose.cause import Cause


def documentation(causes: Collection[Cause] = CAUSES) -> str:
    """The text of docs/diagnosis.md."""
    rows = [f"| `{c.id}` | {c.title} | {c.evidence} | {c.remedy} |" for c in causes]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Diagnosis

<!-- python -m hadeploy.diagnose.catalogue >docs/diagnosis.md -->

When a proof fails, `verify` prints a diagnosis. So do `up`, `drain` and `undrain` if their result
cannot be proven. For each cause it contains the nodes, one sentence, the evidence and the fix.
`--json` has the same as `diagnosis`. The [glossary](glossary.md) defines the terms.

The diagnosis uses the observation of the proofs and a second, read-only observation, which takes a
few seconds and runs only after a failure. It collects the statistics of keepalived twice (in
between, keepalived must send and receive adverts), the last lines of the logs of both containers,
stopped processes, iptables and nftables. A consequence of another cause on the same node is not
reported. If no cause is recognised, there are only the failed proofs. Backends that are down fail
no proof; `verify` explains them, and so does the diagnosis of another failure.

If the diagnosis does not help, run `hadeploy support`. It writes one archive for a bug report,
which you can read before you send it. For every reachable node, it contains the configurations
without secrets, the applied record, hadeploy's containers, the end of both logs, the dump and the
statistics of keepalived, addresses, routes, sockets, firewall rules, versions and the lock. It also
contains the inventory, the checks, the proofs and the diagnosis.

The most probable cause comes first:

| cause | problem | evidence | fix |
|---|---|---|---|"""

if __name__ == "__main__":
    print(documentation(), end="")  # noqa: T201
