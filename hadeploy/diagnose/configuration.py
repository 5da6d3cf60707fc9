"""Configurations that are rejected, out of date, or without effect. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hadeploy.desired import layout
from hadeploy.desired.roles import Role
from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.containers import LOG_LINES, STOP_EXIT_CODES, STOPPED, restarting
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.observed_node import ObservedNode

# Messages about a line of a configuration, or about a whole file.
CONFIG_ERRORS: dict[Role, re.Pattern[str]] = {
    "haproxy": re.compile(r"^\[ALERT\].*\b(config : |parsing \[)"),
    "keepalived": re.compile(r"^\(\S+: Line \d+\)|permanent error CONFIG|^\(\w+\) the .* must be"),
}
_SUMMARY = re.compile(r"Error\(s\) found|Fatal errors found|permanent error CONFIG")
# The last message of a reload; after a failure, haproxy keeps its old configuration.
_RELOADS = re.compile(r"Loading (failure!|success\.)")
_UNRUN = re.compile(
    r"(Disabling track script|insecure|Unable to access script|Script .{0,400} not found)"
)

FILES: dict[Role, str] = {"haproxy": layout.HAPROXY_CFG, "keepalived": layout.KEEPALIVED_CONF}


CONFIG_REFUSED = Cause(
    "config-refused",
    "haproxy or keepalived rejects its configuration",
    "its log messages about lines of the file, at a start or at the last reload",
    "`hadeploy plan` shows changes made by hand, `hadeploy up` reverts them",
    ("container-restarting", "container-stopped", *STOPPED),
)


@recognises(CONFIG_REFUSED)
def refused(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Programs that reject their configuration."""
    for node, state, role, container in context.programs:
        log = context.diagnostics(node.label).logs.get(role, ())
        lines = tuple(line for line in log if CONFIG_ERRORS[role].search(line))
        if container is None or not lines:
            continue
        down = restarting(container, state.now) or container.exit_code not in STOP_EXIT_CODES
        reloads = [found[1] for line in log if (found := _RELOADS.search(line))]
        if not down and reloads[-1:] != ["failure!"]:
            continue
        effect = "does not start with" if down else "rejected"
        # Every start logs the same lines, and a summary after them.
        shown = [line for line in dict.fromkeys(lines) if not _SUMMARY.search(line)] or lines
        yield Diagnosis(
            CONFIG_REFUSED.id,
            (node.label,),
            f"{role} {effect} its configuration {FILES[role]}",
            CONFIG_REFUSED.remedy,
            tuple(f"{node.label}: | {line}" for line in shown[-LOG_LINES:]),
            role,
        )


NOT_APPLIED = Cause(
    "not-applied",
    "a program runs a configuration that differs from the inventory",
    "the configuration id in the running program; whether its file was changed after it was "
    "applied",
    "`hadeploy up`",
)


@recognises(NOT_APPLIED)
def not_applied(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Programs whose running configuration differs from the inventory."""
    for node, state, role, _ in context.programs:
        running = state.serving if role == "haproxy" else state.vrrp and state.vrrp.config_id
        if running is None or running == context.desired[node.label].config_id(role):
            continue
        yield Diagnosis(
            NOT_APPLIED.id,
            (node.label,),
            f"{role} runs a configuration that differs from the inventory",
            "`hadeploy plan` shows the difference, `hadeploy up` applies it",
            (f"{node.label}: {_history(state, role)}",),
            role,
        )


def _history(state: ObservedNode, role: Role) -> str:
    file, record = state.file(FILES[role]), state.applied
    if record is None:
        return "the node has no applied record"
    if file and file.sha256 != record.files.get(FILES[role]):
        return f"{FILES[role]} was changed after {record.by} applied it at {record.at}"
    if role in state.detached:
        return "the directory was replaced, and the container still uses the old one"
    return f"the files are those that {record.by} applied at {record.at}"


CHECK_NOT_RUN = Cause(
    "check-not-run",
    "keepalived does not run its check of haproxy",
    "the age of the file that the check touches; log messages of keepalived about the script",
    "correct the permissions of the script and its directory",
)


@recognises(CHECK_NOT_RUN)
def check_script(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """A check that keepalived does not run; keepalived treats it as successful."""
    for node, state in context.nodes:
        if not context.fails("check-runs", node.label):
            continue
        age = state.check_age
        last = "the check never ran" if age is None else f"the check last ran {age} s ago"
        log = context.diagnostics(node.label).logs.get("keepalived", ())
        lines = [f"{node.label}: | {line}" for line in log if _UNRUN.search(line)]
        yield Diagnosis(
            CHECK_NOT_RUN.id,
            (node.label,),
            "keepalived does not run its check of haproxy, so the VIP stays if haproxy fails",
            f"make {layout.CHECK_SCRIPT} and its directory writable only by root, check that the "
            "image has bash, then run `hadeploy up`",
            (f"{node.label}: {last}", *lines[-LOG_LINES:]),
            "keepalived",
        )
