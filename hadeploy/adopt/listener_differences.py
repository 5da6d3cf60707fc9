"""Differences on a port that both configurations serve. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hadeploy.adopt.difference import NO_KEY, OWN_TEMPLATE, Difference, Keep, different
from hadeploy.adopt.lost_ports import LostPorts, listener_settings, lost_ports
from hadeploy.adopt.report import Report, Verdict
from hadeploy.adopt.servers import address_differences, option_differences
from hadeploy.config_files.haproxy import Line
from hadeploy.config_files.haproxy_keywords import (
    FOR_DEFAULTS,
    FOR_LISTENER,
    NOT_FOR_OURS,
    ONLY_BACKEND,
    ONLY_HTTP,
)
from hadeploy.config_files.haproxy_listener import Served, scope, setting
from hadeploy.config_files.haproxy_servers import read_servers
from hadeploy.config_files.haproxy_values import (
    Endpoint,
    canonical,
    duration,
    endpoints,
    uses_a_file,
    whole,
)
from hadeploy.inventory.cluster import Cluster, Listener
from hadeploy.plan.binds import Bind, local_hosts
from hadeploy.plan.redacted_diff import shown

_NAMES = ("description", "id", "guid", "enabled")
_TIMEOUTS = ("connect", "client", "server")
_ELSEWHERE = ("use_backend", "default_backend", "use-server", "filter", "server-template")


@dataclass(frozen=True)
class _Pair:
    """One port in both configurations."""

    cluster: Cluster
    listener: Listener
    theirs: Served
    ours: Served

    @property
    def port(self) -> str:
        return f"port {self.listener.port}"

    def keep(self, **values: object) -> Keep:
        return {"listeners": [{"port": self.listener.port, **values}]}


def judge_listener(
    report: Report, cluster: Cluster, listener: Listener, theirs: Served, ours: Served
) -> None:
    """Judge each line that applies to a port."""
    pair = _Pair(cluster, listener, theirs, ours)
    mine = ours.effective()
    for key, lines in theirs.effective().items():
        same = {canonical(line) for line in mine.get(key, [])}
        for line in lines:
            if canonical(line) in same:
                report.judge(line, Verdict.SAME)
            elif line.keyword not in ("server", "default-server"):
                _judge(report, pair, line)
    _servers(report, pair)
    _balance(report, pair)
    for line in (line for part in theirs.sections for line in part.lines):
        if line.keyword == "default_backend" and line not in report.verdicts:
            report.judge(line, Verdict.NO_EFFECT)


def _judge(report: Report, pair: _Pair, line: Line) -> None:
    http = pair.theirs.configuration.value(pair.theirs.front, "mode") == "http"
    if line.keyword == "bind":
        _bind(report, pair, line)
    elif line.keyword in _NAMES or (not http and scope(setting(line)[0]) in ONLY_HTTP):
        report.judge(line, Verdict.NO_EFFECT)
    elif line.keyword == "default_backend" or _is_always(line):
        _default_backend(report, pair, line)
    elif line.keyword == "balance":
        report.judge(line, Verdict.REPORTED)
    elif line.keyword == "load-server-state-from-file" or line.begins("option", "redispatch"):
        report.judge(line, Verdict.REPLACED)
    elif line.begins("option", "tcpka") or _taken_back(pair, line):
        report.judge(line, Verdict.SAME)
    elif line.begins("option", "httpchk") or line.begins("http-check"):
        _http_check(report, pair, line)
    elif line.begins("log", "global"):
        report.judge(line, Verdict.SAME)
    else:
        report.lose(line, *_lost(pair, line))


def _taken_back(pair: _Pair, line: Line) -> bool:
    """`no option X`, if hadeploy's configuration does not have X either."""
    if not line.begins("no", "option"):
        return False
    return not any(
        line.words[:1] != ("no",) for line in pair.ours.effective().get(line.words[1:3], [])
    )


def _lost(pair: _Pair, line: Line) -> Iterator[Difference]:
    said = f"{pair.port}: {_said(line)}"
    value = line.words[-1]
    if line.keyword == "timeout" and line.words[1:2] and line.words[1] in _TIMEOUTS:
        ours: str = getattr(pair.listener.timeouts, line.words[1])
        keep = pair.keep(timeouts={line.words[1]: duration(value)})
        yield different(pair.cluster, f"{said} becomes {ours}", keep, why=NO_KEY)
    elif line.begins("timeout", "check"):
        keep = pair.keep(check={"timeout": duration(value)})
        said += f" becomes {pair.listener.check.timeout}"
        yield different(pair.cluster, said, keep, why=NO_KEY)
    elif line.keyword == "maxconn":
        number = whole(value)
        only = pair.keep(maxconn=number)
        both = {"haproxy": {"maxconn": number}, **only}
        said += _ours(pair, line)
        yield different(pair.cluster, said, only, both, why="listeners[].maxconn")
    elif line.keyword == "mode":
        yield Difference(f"{said} becomes tcp")
    elif line.keyword in _ELSEWHERE or uses_a_file(line) or line.keyword[:1] == ".":
        yield Difference(said, why=OWN_TEMPLATE)
    else:
        yield different(pair.cluster, f"{said}{_ours(pair, line)}", *_extra(pair, line))


def _ours(pair: _Pair, line: Line) -> str:
    """The value of the same setting in hadeploy's configuration, as a phrase."""
    key, single = setting(line)
    found = pair.ours.effective().get(key, []) if single else []
    text = " ".join(found[-1].words[len(key) :]) if found else ""
    return f" becomes {text}" if text else ""


def _extra(pair: _Pair, line: Line) -> Iterator[Keep]:
    """The part of `templates.extra` for such a line, if there is only one listener."""
    name = line.words[1] if line.keyword == "no" and len(line.words) > 1 else line.keyword
    if line.variables or shown(line.text) != line.text or len(pair.cluster.listeners) > 1:
        return
    where = scope(setting(line)[0])
    if where in NOT_FOR_OURS:
        return
    if where not in ONLY_BACKEND and line not in _of_back(pair) and name in FOR_LISTENER | {"log"}:
        lines = _with_conditions(pair, line)
        if lines:
            yield {"templates": {"extra": {"listener": "\n".join(each.text for each in lines)}}}
    elif name in FOR_DEFAULTS and not _set_by_ours(pair, line):
        yield {"templates": {"extra": {"defaults": line.text}}}


def _with_conditions(pair: _Pair, line: Line) -> list[Line]:
    """A line and the acl lines that it names; empty if one of them cannot be added."""
    words = {word.lstrip("!") for word in line.words[1:]} if line.keyword != "acl" else set()
    lists = [a for a in pair.theirs.configuration.lines(pair.theirs.front) if a.begins("acl")]
    needed = [a for a in lists if len(a.words) > 1 and a.words[1] in words]
    if any(uses_a_file(a) or a.variables or shown(a.text) != a.text for a in needed):
        return []
    return [*needed, line]


def _set_by_ours(pair: _Pair, line: Line) -> bool:
    """Whether hadeploy's sections set it, so that `defaults` has no effect."""
    own = [*pair.ours.front.lines, *(pair.ours.back.lines if pair.ours.back else ())]
    key, single = setting(line)
    return single and any(setting(each)[0] == key for each in own)


def _of_back(pair: _Pair) -> Sequence[Line]:
    """The lines of a separate backend section."""
    back = pair.theirs.back
    return () if back is None or back is pair.theirs.front else back.lines


def _bind(report: Report, pair: _Pair, line: Line) -> None:
    context = pair.theirs.configuration.context
    mine = {e.host for b in pair.ours.front.all("bind") for e in endpoints(b, {})}
    at = endpoints(line, context.environment)
    ports = {port for one in at for port in one.some}
    ours = {one.port for one in pair.cluster.listeners}
    others = ports - ours if context.published is None else set()
    reported = report.verdicts.get(line) is Verdict.REPORTED
    report.judge(line, Verdict.SAME)
    if reported or (ports & ours and context.published is None and pair.listener.port not in ports):
        # It is reported once, for the first listener on one of its ports.
        return
    said = f"{pair.port}: {_said(line)}"
    if others:
        report.lose(line, _other_ports(pair, said, at, sorted(others)))
    if ports and ports == others:
        return
    options = " ".join(w for i, w in enumerate(line.words[2:], 2) if not _is_name(line, i))
    without = f"{shown(options)} is removed" if options else ""
    if not at or {one.host for one in at} - mine:
        names = {frozenset(["*"]): "every IPv4 address", frozenset(["::"]): "every IPv6 address"}
        wanted = names.get(frozenset(mine), "every address")
        said += f" becomes {wanted}" + (f", and {without}" if without else "")
        report.lose(line, Difference(said, why=OWN_TEMPLATE))
    elif without:
        report.lose(line, Difference(f"{said}: {without}", why=OWN_TEMPLATE))


def _other_ports(
    pair: _Pair, said: str, at: Sequence[Endpoint], others: Sequence[int]
) -> Difference:
    """The ports of a bind line without a listener."""
    context = pair.theirs.configuration.context
    binds = [
        Bind(context.names.get(one.host, one.host), port)
        for one in at
        for port in one.some
        if port in others
    ]
    only = local_hosts(binds, [str(vip.ip) for vip in pair.cluster.vip])
    servers = read_servers(pair.theirs.back_lines, context.environment)
    lost = LostPorts(said, others, only=" and ".join(only))
    return lost_ports(pair.cluster, lost, servers, context.names, listener_settings(pair.theirs))


def _is_name(line: Line, at: int) -> bool:
    """Whether a word of a bind line is its name."""
    return "name" in (line.words[at], line.words[at - 1])


def _is_always(line: Line) -> bool:
    """`use_backend` without a condition, which precedes `default_backend`."""
    return line.keyword == "use_backend" and len(line.words) == 2


def _default_backend(report: Report, pair: _Pair, line: Line) -> None:
    if pair.theirs.back is None:
        name = line.words[-1]
        report.lose(line, Difference(f"{pair.port}: backend {name} is not in the file"))
    else:
        report.judge(line, Verdict.REPLACED)


def _balance(report: Report, pair: _Pair) -> None:
    back = pair.theirs.back
    theirs = (pair.theirs.configuration.value(back, "balance") if back else "") or "roundrobin"
    if theirs == pair.listener.balance:
        return
    what = f"{pair.port}: balance {theirs} becomes {pair.listener.balance}"
    report.add(different(pair.cluster, what, pair.keep(balance=theirs)))


def _http_check(report: Report, pair: _Pair, line: Line) -> None:
    """Judge an HTTP check; hadeploy's check sends GET over TLS and requires 200."""
    path, check = _check_path(pair.theirs), pair.listener.check
    known = line.begins("option", "httpchk") or line.begins("http-check", "send")
    if line.begins("http-check", "expect"):
        known = line.words[2:] == ("status", "200")
    if check.type == "https" and check.path == path and known:
        report.judge(line, Verdict.SAME)
        return
    servers = read_servers(pair.theirs.back_lines, pair.theirs.configuration.context.environment)
    encrypted = all("check-ssl" in s.options or "ssl" in s.options for s in servers)
    keep = pair.keep(check={"type": "https", "path": path}) if encrypted and known else None
    why = (
        "hadeploy checks with a connection, or with GET over TLS and status 200 (listeners[].check)"
    )
    report.lose(line, different(pair.cluster, f"{pair.port}: {_said(line)}", keep, why=why))


def _check_path(theirs: Served) -> str:
    path = "/"
    for line in theirs.back_lines:
        if line.begins("option", "httpchk") and len(line.words) > 2:
            path = line.words[3] if len(line.words) > 3 else line.words[2]
        elif line.begins("http-check", "send") and "uri" in line.words[:-1]:
            path = line.words[line.words.index("uri") + 1]
    return path


def _servers(report: Report, pair: _Pair) -> None:
    context = pair.theirs.configuration.context
    theirs = read_servers(pair.theirs.back_lines, context.environment)
    ours = read_servers(pair.ours.back_lines, {})
    report.add(*address_differences(pair.cluster, pair.listener, theirs, ours, context.names))
    report.add(*option_differences(pair.cluster, pair.listener, theirs, ours))
    for line in pair.theirs.back_lines:
        if line.keyword in ("server", "default-server"):
            report.judge(line, Verdict.REPLACED)


def _said(line: Line) -> str:
    return " ".join(shown(line.text).split())
