"""docs/checks.md: all checks; and the names that `--skip` accepts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from hadeploy.answers.answer import PROOF, PROOF_HERE
from hadeploy.errors import ExitCode, HadeployError

if TYPE_CHECKING:
    from hadeploy.check.entry import Check

# Proofs that can be skipped like checks; the second one also in `verify` and `status`.
PROOFS = (PROOF, PROOF_HERE)


def refuse_unknown(ids: Iterable[str], *, essential: bool) -> None:
    """Refuse ids that cannot be skipped.

    Args:
        ids: the values of --skip.
        essential: whether essential checks may be skipped, as in `check`, which has no proofs.

    Raises:
        HadeployError: an id is unknown; the message lists the known ids.
    """
    skipped = list(ids)
    if not skipped:
        return
    # Imported only if a run skips a check, to start faster.
    from hadeploy.check.all_checks import CHECKS, IDS  # noqa: PLC0415

    known = [check.id for check in CHECKS if essential or not check.essential]
    known += [] if essential else PROOFS
    for name in skipped:
        if name not in known:
            problem = "cannot be skipped (essential check)" if name in IDS else "is not a check"
            raise HadeployError(
                f"{name} {problem}; allowed: {', '.join(known)}",
                operation="reading --skip",
                code=ExitCode.USAGE,
            )


def documentation(checks: Collection[Check]) -> str:
    """The text of docs/checks.md."""
    rows = [
        f"| `{check.id}` | **{check.title}**{_notes(check)}: {check.proves} | {check.remedy} |"
        for check in checks
    ]
    return "\n".join([_HEAD, *rows, ""])


def _notes(check: Check) -> str:
    notes = ["thorough"] * check.thorough + ["essential"] * check.essential
    return f" (*{', '.join(notes)}*)" if notes else ""


_HEAD = """\
# Checks

<!-- python -m hadeploy.check.catalogue >docs/checks.md -->

`hadeploy check` runs all checks on all nodes at once (read-only). For each check it prints whether
it passes, warns or fails, and a fix. An unreachable node does not hide the results of the others.
It exits with 3 if a check fails, otherwise with 0. `plan` and `up` run the same checks first. A
failure stops them before any change; a warning is printed once. The [glossary](glossary.md) defines
the terms.

`--skip ID` skips a check and can be repeated. It also takes the ids of two proofs:

- `vip-answers-clients` (`plan`, `up`): do not compare the answers to clients with those before the
  change, and record the new answers (see [changes](changes.md)).
- `vip-answers-here` (`plan`, `up`, `drain`, `verify`, `status`): do not connect to the VIP from
  this machine, because it is not a client.

*Essential* checks can be skipped in `check` only: without them there is nothing to plan. *Thorough*
checks take a second or two. `plan` and `up` run them only on nodes where nothing was applied yet,
and if the plan could make one of them fail: a container is recreated, an image is loaded, a port,
VIP or virtual_router_id changes, or a node is added.

| check | passes when | what to do if not |
|---|---|---|"""

if __name__ == "__main__":
    from hadeploy.check.all_checks import CHECKS

    print(documentation(CHECKS), end="")  # noqa: T201
