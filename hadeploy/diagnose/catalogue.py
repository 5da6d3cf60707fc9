"""The document of all causes (docs/diagnosis.md)."""

from __future__ import annotations

from collections.abc import Collection

from hadeploy.diagnose.all_causes import CAUSES
from hadeploy.diagnose.cause import Cause


def documentation(causes: Collection[Cause] = CAUSES) -> str:
    """docs/diagnosis.md.

    Args:
        causes: in the order in which they are told.
    """
    rows = [f"| `{c.id}` | {c.title} | {c.evidence} | {c.fix} |" for c in causes]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Diagnosis

<!-- python -m hadeploy.diagnose.catalogue >docs/diagnosis.md -->

When a proof fails, `verify` tells why, and so do `up`, `drain` and `undrain` when what they have
done cannot be proven: for each cause the nodes, one sentence, what it was recognised by, and the
fix. `--json` has the same as `diagnosis`.

It is made from what was observed anyway, and from a second, read-only look that takes a few seconds
and is taken only after a failure: keepalived's statistics twice (in between it must send and hear
adverts), the last lines of both containers' logs, stopped processes, iptables and nftables. What
follows from another cause on the same node is not told; where no cause is recognised, the failed
proofs are all there is. Backends that are down fail no proof; why they are is told by `verify`, and
where something else fails.

If that does not help: `hadeploy support` writes one archive for a bug report, which can be read
before it is sent. It has, of every node that can be reached, the configurations without their
secrets, the applied record, our containers, the end of both logs, keepalived's dump and statistics,
addresses, routes, sockets, firewall rules, versions and the lock; and the inventory, the checks,
the proofs and the diagnosis.

The most probable cause comes first:

| cause | what is the matter | recognised by | what to do |
|---|---|---|---|"""

if __name__ == "__main__":
    print(documentation(), end="")  # noqa: T201
