"""The document of all checks (docs/checks.md), and which of them can be skipped."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from hadeploy.answers.answer import PROOF, PROOF_HERE
from hadeploy.errors import ExitCode, HadeployError

if TYPE_CHECKING:
    from hadeploy.check.entry import Check

# Proofs that can be left out as a check can; the second one also of `verify` and `status`.
PROOFS = (PROOF, PROOF_HERE)


def refuse_unknown(ids: Iterable[str], *, essential: bool) -> None:
    """Refuse what cannot be skipped.

    Args:
        ids: what the user wants skipped.
        essential: whether checks may be skipped without which nothing can be planned; then there
            is no proof to skip.

    Raises:
        HadeployError: naming the checks that there are.
    """
    skipped = list(ids)
    if not skipped:
        return
    # Commands import this module before they connect; few runs skip a check.
    from hadeploy.check.all_checks import CHECKS, IDS  # noqa: PLC0415

    known = [check.id for check in CHECKS if essential or not check.essential]
    known += [] if essential else PROOFS
    for name in skipped:
        if name not in known:
            what = "is essential and cannot be skipped" if name in IDS else "is not a check"
            raise HadeployError(
                f"{name} {what}; there are {', '.join(known)}",
                operation="reading --skip",
                code=ExitCode.USAGE,
            )


def documentation(checks: Collection[Check]) -> str:
    """docs/checks.md.

    Args:
        checks: in the order in which they are told.
    """
    rows = [
        f"| `{check.id}` | **{check.title}**{_notes(check)}: {check.proves} | {check.fix} |"
        for check in checks
    ]
    return "\n".join([_HEAD, *rows, ""])


def _notes(check: Check) -> str:
    notes = ["thorough"] * check.thorough + ["essential"] * check.essential
    return f" (*{', '.join(notes)}*)" if notes else ""


_HEAD = """\
# Checks

<!-- python -m hadeploy.check.catalogue >docs/checks.md -->

`hadeploy check` looks at all nodes at once, changes nothing, and tells of each check whether it
passes, warns or fails, and what to do. A node that cannot be reached does not hide the others. It
ends with 3 if anything fails, else with 0. `plan` and `up` begin with the same checks; a failure
stops them before anything is touched, a warning is told once.

`--skip ID` leaves one out and can be repeated. `plan` and `up` also take the id of a proof,
`vip-answers-clients`: what clients are answered is not compared with the answers before, and is
recorded anew (see [changes](changes.md)). `up`, `verify` and `status` take `vip-answers-here`: the
machine that runs hadeploy is not to be served, so it does not ask.

*Essential* ones can be skipped in `check` only: without them there is nothing to plan. *Thorough*
ones take a second or two, so `plan` and `up` make them only on nodes where nothing was applied yet,
and where the plan could make one of them fail: a container that is made anew, an image that is
loaded, another port, VIP or virtual_router_id, a node that is added.

| check | passes when | what to do if not |
|---|---|---|"""

if __name__ == "__main__":
    from hadeploy.check.all_checks import CHECKS

    print(documentation(CHECKS), end="")  # noqa: T201
