"""Configurations that are refused, not the inventory's, or not followed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.desired import layout
from hadeploy.desired.desired_node import Role
from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.containers import ENDED_FROM_OUTSIDE, LAST_WORDS, STOPPED, restarting
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.observed_node import ObservedNode

# What the programs say of the very lines that they refuse, or of a file as a whole.
REFUSALS: dict[Role, re.Pattern[str]] = {
    "haproxy": re.compile(r"^\[ALERT\].*\b(config : |parsing \[)"),
    "keepalived": re.compile(r"^\(\S+: Line \d+\)|permanent error CONFIG|^\(\w+\) the .* must be"),
}
_SUMMARY = re.compile(r"Error\(s\) found|Fatal errors found|permanent error CONFIG")
# Where it goes on serving the old one after a reload, haproxy says so last.
_RELOADS = re.compile(r"Loading (failure!|success\.)")
_UNRUN = re.compile(
    r"(Disabling track script|insecure|Unable to access script|Script .{0,400} not found)"
)

FILES: dict[Role, str] = {"haproxy": layout.HAPROXY_CFG, "keepalived": layout.KEEPALIVED_CONF}


CONFIG_REFUSED = Cause(
    "config-refused",
    "haproxy or keepalived refuses its configuration",
    "what it says about the file's lines in its log, at a start or at the last reload",
    "`hadeploy plan` shows what was changed by hand, `hadeploy up` puts it right",
    ("container-restarting", "container-stopped", *STOPPED),
)


@recognises(CONFIG_REFUSED)
def refused(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Programs that do not take their configuration."""
    for node, look, role, container in context.programs:
        log = context.seen(node.label).logs.get(role, ())
        lines = tuple(line for line in log if REFUSALS[role].search(line))
        if container is None or not lines:
            continue
        down = restarting(container, look.now) or container.exit_code not in ENDED_FROM_OUTSIDE
        reloads = [found[1] for line in log if (found := _RELOADS.search(line))]
        if not down and reloads[-1:] != ["failure!"]:
            continue
        what = "does not start with" if down else "has refused"
        # It says the same at every start, and at the end of each that there were errors.
        told = [line for line in dict.fromkeys(lines) if not _SUMMARY.search(line)] or lines
        yield Diagnosis(
            CONFIG_REFUSED.id,
            (node.label,),
            f"{role} {what} its configuration {FILES[role]}",
            "`hadeploy plan` shows what was changed by hand, `hadeploy up` puts it right",
            tuple(f"{node.label}: | {line}" for line in told[-LAST_WORDS:]),
            role,
        )


NOT_APPLIED = Cause(
    "not-applied",
    "a program runs another configuration than the inventory's",
    "the id that the running program names; whether its file was changed since it was applied",
    "`hadeploy up`",
)


@recognises(NOT_APPLIED)
def not_applied(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Programs that run another configuration than the inventory's."""
    for node, look, role, _ in context.programs:
        running = look.serving if role == "haproxy" else look.vrrp and look.vrrp.config_id
        if running is None or running == context.desired[node.label].config_id(role):
            continue
        yield Diagnosis(
            NOT_APPLIED.id,
            (node.label,),
            f"{role} runs another configuration than the inventory's",
            "`hadeploy plan` shows the difference, `hadeploy up` applies it",
            (f"{node.label}: {_history(look, role)}",),
            role,
        )


def _history(look: ObservedNode, role: Role) -> str:
    file, record = look.file(FILES[role]), look.applied
    if record is None:
        return "nothing was applied there"
    if file and file.sha256 != record.files.get(FILES[role]):
        return f"{FILES[role]} was changed since {record.by} applied it at {record.at}"
    if role in look.detached:
        return "its container no longer sees the folder that is there"
    return f"it has what {record.by} applied at {record.at}"


CHECK_NOT_RUN = Cause(
    "check-not-run",
    "keepalived does not run its check of haproxy",
    "the age of the file that the check touches; what keepalived says of the script",
    "mend the rights of the script and its folder",
)


@recognises(CHECK_NOT_RUN)
def check_script(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """A check that keepalived does not run, which counts as one that succeeds."""
    for node, look in context.nodes:
        if not context.fails("check-runs", node.label):
            continue
        age = look.check_age
        seen = f"{node.label}: " + (
            "it never ran" if age is None else f"it ran {age} s ago for the last time"
        )
        log = context.seen(node.label).logs.get("keepalived", ())
        words = [f"{node.label}: | {line}" for line in log if _UNRUN.search(line)]
        yield Diagnosis(
            CHECK_NOT_RUN.id,
            (node.label,),
            "keepalived does not run its check of haproxy, and so would keep the VIP without it",
            f"only root may be able to write {layout.CHECK_SCRIPT} and its folder, "
            "and bash must be in the image; then `hadeploy up`",
            (seen, *words[-LAST_WORDS:]),
            "keepalived",
        )
