"""Differences between the haproxy.cfg of a cluster set up by hand and hadeploy's. Pure.

Every line gets a verdict: the same, replaced, without effect, or reported. A line that no rule
covers is reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.adopt.difference import NO_KEY, OWN_TEMPLATE, Difference, different
from hadeploy.adopt.global_differences import judge_global
from hadeploy.adopt.listener_differences import judge_listener
from hadeploy.adopt.lost_ports import LostPorts, listener_settings, lost_ports
from hadeploy.adopt.report import Report, Verdict
from hadeploy.config_files.haproxy import FRONTENDS, PROXIES, Line, Section
from hadeploy.config_files.haproxy_listener import Configuration, HaproxyContext, read_configuration
from hadeploy.config_files.haproxy_servers import read_servers
from hadeploy.config_files.haproxy_values import endpoints
from hadeploy.inventory.cluster import Cluster
from hadeploy.plan.binds import binds_of, local_hosts
from hadeploy.plan.redacted_diff import shown

_ENOUGH = 200


def haproxy_differences(
    cluster: Cluster, theirs: Configuration, ours: str
) -> tuple[Difference, ...]:
    """The differences between two haproxy.cfg.

    Args:
        theirs: the file that was set up by hand.
        ours: the file that replaces it.
    """
    return tuple(judge(cluster, theirs, ours).differences)


def judge(cluster: Cluster, theirs: Configuration, ours: str) -> Report:
    """The same, with a verdict on each line."""
    report = Report()
    mine = read_configuration(ours, HaproxyContext())
    for section in theirs.found:
        if section.kind == "global":
            judge_global(report, cluster, section, mine, theirs)
    used: dict[Section, None] = {}
    for listener in cluster.listeners:
        there, here = theirs.served(listener.port), mine.served(listener.port)
        if there is not None and here is not None:
            judge_listener(report, cluster, listener, there, here)
            used |= dict.fromkeys(there.sections)
    for section in theirs.found:
        if section.kind in PROXIES and section not in used:
            _removed(report, cluster, theirs, section)
    for section in theirs.found:
        _rest(report, section, used)
    return report


def _removed(report: Report, cluster: Cluster, theirs: Configuration, section: Section) -> None:
    """Report a frontend or a backend without a counterpart."""
    ports = theirs.ports(section)
    metrics = cluster.haproxy.metrics
    for line in section.lines:
        report.judge(line, Verdict.REPORTED)
    if section.kind not in FRONTENDS:
        servers = ", ".join(line.words[2] for line in section.all("server") if len(line.words) > 2)
        what = f"{section.title} is removed" + (f": {shown(servers)}" if servers else "")
        report.add(Difference(what, why=OWN_TEMPLATE))
    elif not section.all("stats"):
        report.add(_lost_port(cluster, theirs, section, ports))
    elif metrics is not None and metrics.port in ports:
        for line in section.lines:
            report.add(*_statistics(section, line))
    else:
        on = ", ".join(map(str, ports)) or "no port"
        what = (
            f"{section.title}: statistics on {on} are removed; hadeploy's are read-only, on /stats"
        )
        keep = {"address": _reach(theirs, section), "port": ports[0] if ports else 0}
        report.add(different(cluster, what, {"haproxy": {"metrics": keep}}, why=NO_KEY))


def _statistics(section: Section, line: Line) -> Iterator[Difference]:
    """The differences of the page of statistics."""
    carried = ("bind", "mode", "log", "maxconn", "timeout", "no", "option", "description")
    if line.keyword in carried or line.words[:2] in (("stats", "enable"), ("stats", "refresh")):
        return
    if line.begins("http-request", "use-service", "prometheus-exporter"):
        return
    if line.words[:3] != ("stats", "uri", "/stats"):
        said = " ".join(shown(line.text).split())
        yield Difference(
            f"{section.title}: {said}: hadeploy's is on /stats, read-only, without a password"
        )


def _reach(theirs: Configuration, section: Section) -> str:
    binds = section.all("bind")
    hosts = [e.host for bind in binds for e in endpoints(bind, theirs.context.environment)]
    return {"127.0.0.1": "127.0.0.1", "::1": "::1", "::": "::"}.get(
        hosts[0] if hosts else "",
        "0.0.0.0",  # noqa: S104  as in their file
    )


def _lost_port(
    cluster: Cluster, theirs: Configuration, section: Section, ports: tuple[int, ...]
) -> Difference:
    """A frontend on ports without a listener."""
    served = theirs.served(ports[0]) if ports else None
    plain = served is not None and theirs.value(section, "mode") != "http"
    lines = served.back_lines if served and plain else []
    servers = read_servers(lines, theirs.context.environment)
    context = theirs.context
    binds = list(binds_of(section, context.environment, context.names, context.published))
    only = local_hosts(binds, [str(vip.ip) for vip in cluster.vip])
    lost = LostPorts(section.title, ports, section.name, " and ".join(only))
    return lost_ports(
        cluster, lost, servers, context.names, listener_settings(served) if served else {}
    )


def _rest(report: Report, section: Section, used: dict[Section, None]) -> None:
    """Judge the remaining lines."""
    proxies = ("defaults", *PROXIES)
    if not section.lines and section.kind not in (*proxies, "global"):
        report.add(Difference(f"{section.title} is removed", why=OWN_TEMPLATE))
    for line in section.lines:
        if line in report.verdicts:
            continue
        if section.kind in proxies and section in used:
            # A later line overrides it, or it has no effect in such a section.
            report.judge(line, Verdict.NO_EFFECT)
        elif section.kind == "defaults":
            report.judge(line, Verdict.NO_EFFECT)
        else:
            said = " ".join(shown(line.text).split())[:_ENOUGH]
            where = section.title or "before the first section"
            report.lose(line, Difference(f"{where}: {said}", why=OWN_TEMPLATE))
