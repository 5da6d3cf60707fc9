"""Differences of the global section of a haproxy.cfg that was set up by hand. Pure."""

from __future__ import annotations

from hadeploy.adopt.difference import NO_FILE, NO_KEY, Difference, Keep, different
from hadeploy.adopt.report import Report, Verdict
from hadeploy.config_files.haproxy import Line, Section
from hadeploy.config_files.haproxy_keywords import ONLY_TLS, REMOVED_GLOBAL, REPLACED_GLOBAL
from hadeploy.config_files.haproxy_listener import Configuration, setting
from hadeploy.config_files.haproxy_values import (
    canonical,
    duration,
    microseconds,
    uses_a_file,
    whole,
)
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.fields import milliseconds
from hadeploy.plan.redacted_diff import shown

_LOG_FORMATS = ("local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw")
# haproxy logs nothing on the level debug.
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


def judge_global(
    report: Report,
    cluster: Cluster,
    section: Section,
    ours: Configuration,
    theirs: Configuration,
) -> None:
    """Judge each of its lines."""
    mine = {canonical(line) for s in ours.found if s.kind == "global" for line in s.lines}
    tls = {
        line.keyword == "bind"
        for s in theirs.found
        for line in s.lines
        if line.keyword in ("bind", "server", "default-server", "server-template")
        and {"ssl", "check-ssl"} & set(line.words)
    }
    last = {key: line for line in section.lines for key, single in [setting(line)] if single}
    for line in section.lines:
        key, single = setting(line)
        if canonical(line) in mine:
            report.judge(line, Verdict.SAME)
        elif single and last[key] is not line:
            report.judge(line, Verdict.NO_EFFECT)
        elif line.keyword in REPLACED_GLOBAL:
            report.judge(line, Verdict.REPLACED)
        elif _without_effect(line, tls):
            report.judge(line, Verdict.NO_EFFECT)
        else:
            _judge(report, cluster, line)


def _without_effect(line: Line, tls: set[bool]) -> bool:
    """Whether a line of the global section has no effect in their configuration.

    Args:
        line: the line.
        tls: for the lines that use TLS, whether it is a bind line; empty without TLS.
    """
    if line.keyword.startswith(("ssl-default-bind-", "ssl-dh-")):
        return True not in tls
    if line.keyword.startswith(ONLY_TLS):
        return not tls
    return line.begins("stats", "timeout") or line.words == ("nbproc", "1")


def _judge(report: Report, cluster: Cluster, line: Line) -> None:
    value = line.words[1] if len(line.words) > 1 else ""
    if line.keyword == "log":
        _log(report, cluster, line)
    elif line.keyword == "maxconn":
        if value == str(cluster.haproxy.maxconn):
            report.judge(line, Verdict.SAME)
            return
        what = f"maxconn {value} becomes {cluster.haproxy.maxconn}"
        keep: Keep = {"haproxy": {"maxconn": whole(value)}}
        report.lose(line, different(cluster, what, keep, why="haproxy.maxconn is at least 100"))
    elif line.keyword == "nbthread":
        ours_threads = cluster.haproxy.nbthread
        if value == str(ours_threads):
            report.judge(line, Verdict.SAME)
            return
        what = f"nbthread {value} becomes {ours_threads or 'one per CPU'}"
        keep = {"haproxy": {"nbthread": whole(value)}}
        report.lose(line, different(cluster, what, keep, why="haproxy.nbthread is 1 to 64"))
    elif line.keyword == "hard-stop-after":
        ours = cluster.haproxy.hard_stop_after
        if ours and microseconds(value) == milliseconds(ours) * 1000:
            report.judge(line, Verdict.SAME)
            return
        keep = {"haproxy": {"hard_stop_after": duration(value)}}
        what = f"hard-stop-after {value} becomes {ours or 'no limit'}"
        report.lose(line, different(cluster, what, keep, why=NO_KEY))
    elif line.begins("stats", "socket"):
        what = f"global: {_said(line)}: hadeploy's socket is in its container"
        report.lose(line, Difference(what))
    elif uses_a_file(line):
        report.lose(line, Difference(f"global: {_said(line)}", why=NO_FILE))
    else:
        plain = shown(line.text) == line.text and not line.variables
        extra = {"templates": {"extra": {"global": line.text}}}
        usable = plain and line.keyword not in REMOVED_GLOBAL and line.keyword[:1] != "."
        difference = different(cluster, f"global: {_said(line)}", extra if usable else None)
        report.lose(line, difference)


def _log(report: Report, cluster: Cluster, line: Line) -> None:
    """Targets: `log ADDRESS [len N] [format F] [sample ...] FACILITY [LEVEL]`."""
    haproxy = cluster.haproxy
    target = line.words[1] if len(line.words) > 1 else ""
    rest = list(line.words[2:])
    more = []
    while len(rest) > 1 and rest[0] in ("len", "format", "sample", "profile"):
        if rest[0] != "format" or rest[1] not in ("rfc3164", "raw"):
            more.append(" ".join(rest[:2]))
        del rest[:2]
    facility, levels = (rest or ["local0"])[0], rest[1:]
    more += [f"level {level}" for level in levels if level in _LEVELS[:-2]]
    at = target if ":" in target or target in ("stdout", "stderr") else f"{target}:514"
    ours = (
        haproxy.log
        if haproxy.log.count(":") or not haproxy.log[0].isdigit()
        else (f"{haproxy.log}:514")
    )
    if (at, facility) == (ours, haproxy.log_facility) and not more:
        report.judge(line, Verdict.SAME)
        return
    what = f"{_said(line)} becomes {haproxy.log} {haproxy.log_facility}"
    keep = {"haproxy": {"log": at, "log_facility": facility}}
    extra = {"templates": {"extra": {"global": line.text}}}
    if target[:1] == "/":
        why = "hadeploy's container has no access to that socket; haproxy.log takes ADDRESS:PORT"
        report.lose(line, Difference(what, why=why))
    elif (at, facility) == (ours, haproxy.log_facility):
        report.lose(line, different(cluster, f"{_said(line)}: {', '.join(more)}", extra))
    else:
        # With more options, the user's own line is needed.
        first = keep if not more else extra
        report.lose(line, different(cluster, what, first, why="haproxy.log takes an address"))


def _said(line: Line) -> str:
    return " ".join(shown(line.text).split())
