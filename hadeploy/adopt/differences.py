"""What a cluster set up by hand has that ours does not carry over, and which key would. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hadeploy.adopt.classic import Classic
from hadeploy.adopt.sections import Section, sections
from hadeploy.inventory.fields import DURATION, milliseconds
from hadeploy.inventory.model import Cluster, Listener, backends_of
from hadeploy.inventory.priorities import check_weight, priorities
from hadeploy.plan.texts import shown

_TIMEOUTS = ("connect", "client", "server")
# What ours says too, or what has no meaning in our container.
_CARRIED_GLOBAL = (
    *("daemon", "master-worker", "pidfile", "chroot", "user", "group", "uid", "gid", "log"),
    *("maxconn", "stats", "hard-stop-after", "nbproc", "node", "description", "quiet"),
    *("server-state-file", "max-spread-checks"),
)
_CARRIED_DEFAULTS = (
    *("mode", "log", "balance", "maxconn", "default_backend", "load-server-state-from-file"),
)
_CARRIED_OPTIONS = (
    *("tcplog", "httplog", "dontlognull", "redispatch", "clitcpka", "srvtcpka", "tcpka", "httpchk"),
    # These mean something in HTTP mode only.
    *("http-server-close", "forwardfor", "http-keep-alive", "httpclose", "forceclose"),
)
_TEMPLATE = "templates.folder"


@dataclass(frozen=True)
class Difference:
    """One thing that would change.

    Attributes:
        what: in words, without secrets.
        key: of the inventory, with the value that would keep it as it is, or the key of a place
            where it can be said.
    """

    what: str
    key: str


def haproxy_differences(cluster: Cluster, text: str) -> tuple[Difference, ...]:
    """What their haproxy.cfg has and ours would not.

    Args:
        cluster: the inventory.
        text: their file.
    """
    found = sections(text)
    defaults = Section(
        "defaults", "", tuple(x for s in found if s.kind == "defaults" for x in s.lines)
    )
    told: list[Difference] = []
    for section in found:
        if section.kind == "global":
            told += _global(cluster, section)
        elif section.kind not in ("defaults", "frontend", "backend", "listen"):
            told.append(Difference(f"section {section.kind} {section.name}".strip(), _TEMPLATE))
    told += _defaults(defaults)
    served = _served(cluster, found)
    for listener, parts in served:
        told += _listener(cluster, listener, Section("", "", _lines(parts)), defaults)
    known = {part for _, parts in served for part in parts}
    told += _others(found, known)
    return tuple(dict.fromkeys(told))


def keepalived_differences(cluster: Cluster, node: str, classic: Classic) -> tuple[Difference, ...]:
    """What the keepalived of a node says or does, and ours would not.

    Args:
        cluster: the inventory.
        node: the node's label.
        classic: what is there.
    """
    vrrp = cluster.vrrp
    mode = "unicast" if classic.peers else "multicast"
    weights = [s.weight for s in classic.scripts]
    check = "weight" if any(weights) else "fault"
    pairs: list[tuple[str, object, object, str]] = [
        (
            "virtual_router_id",
            classic.virtual_router_id,
            vrrp.virtual_router_id,
            "virtual_router_id",
        ),
        ("VRRP version", classic.version, vrrp.version, "version"),
        (
            "advert_int",
            f"{classic.advert_interval:g}",
            f"{vrrp.advert_interval:g}",
            "advert_interval",
        ),
        ("way of speaking", mode, vrrp.mode, "mode"),
        ("preemption", _yes(not classic.nopreempt), _yes(vrrp.preempt), "preempt"),
        ("answer to a failed check", check, vrrp.on_check_failure, "on_check_failure"),
    ]
    told = [
        Difference(f"{name} {theirs} becomes {ours}", f"vrrp.{key}: {theirs}")
        for name, theirs, ours, key in pairs
        if theirs != ours
    ]
    if check == vrrp.on_check_failure == "weight" and max(weights) != check_weight(cluster):
        told.append(
            Difference(
                f"weight {max(weights)} becomes {check_weight(cluster)}",
                f"vrrp.weight: {max(weights)}",
            )
        )
    if classic.priority != (ours := priorities(cluster)[node]):
        key = f"nodes[].priority: {classic.priority}"
        told.append(Difference(f"priority {classic.priority} becomes {ours}", key))
    if (classic.password is None) != (vrrp.password is None) and vrrp.version == 2:
        has = "no password" if classic.password is None else "a password"
        told.append(Difference(f"it has {has}, the inventory does not agree", "vrrp.password"))
    told += [
        Difference(f"{line}: ours runs no notify script; the file is kept aside", _TEMPLATE)
        for line in classic.notify
    ]
    told += [
        Difference(f"check {s.name} is replaced by ours, which asks haproxy itself", "vrrp.check")
        for s in classic.scripts
    ]
    return tuple(told)


def _yes(value: bool) -> str:
    return "true" if value else "false"


def _global(cluster: Cluster, section: Section) -> Iterator[Difference]:
    targets = [line for line in section.all("log") if len(line) > 2]
    ours = (cluster.haproxy.log, cluster.haproxy.log_facility)
    for line in targets:
        target, facility = line[1], line[2:]
        plain = [w for w in facility if w not in ("format", "len", "sample", "raw", "short")]
        wanted = plain[0] if plain else cluster.haproxy.log_facility
        if ours in ((target, wanted), (f"{target}:514", wanted)):
            continue
        keys = f"haproxy.log: {target}" + ("" if ":" in target or target[0] == "/" else ":514")
        keys = "haproxy.log: stdout" if target == "stdout" else keys
        if target[0] == "/":
            keys = "haproxy.log: ADDRESS:514 (our container does not see that socket)"
        yield Difference(
            f"log {' '.join(line[1:])} becomes {' '.join(ours)}",
            f"{keys}, haproxy.log_facility: {wanted}",
        )
    maxconn = section.value("maxconn")
    if maxconn and maxconn != str(cluster.haproxy.maxconn):
        yield Difference(
            f"maxconn {maxconn} becomes {cluster.haproxy.maxconn}", f"haproxy.maxconn: {maxconn}"
        )
    for line in section.lines:
        if line[0] not in _CARRIED_GLOBAL:
            yield Difference(f"global: {_told(line)}", "templates.extra.global")


def _defaults(section: Section) -> Iterator[Difference]:
    for line in section.lines:
        if line[0] in _CARRIED_DEFAULTS or line[:2] in [("timeout", t) for t in _TIMEOUTS]:
            continue
        if line[0] in ("option", "no") and line[-1 if line[0] == "no" else 1] in _CARRIED_OPTIONS:
            continue
        yield Difference(f"defaults: {_told(line)}", "templates.extra.defaults")


def _told(line: tuple[str, ...]) -> str:
    return shown(" ".join(line))


def _served(cluster: Cluster, found: tuple[Section, ...]) -> list[tuple[Listener, list[Section]]]:
    """Our listeners, each with the sections that serve its port in their file."""
    backends = {s.name: s for s in found if s.kind == "backend"}
    served = []
    for listener in cluster.listeners:
        for front in found:
            if front.kind in ("frontend", "listen") and listener.port in front.ports:
                back = backends.get(front.value("default_backend") or "")
                served.append((listener, [front, back] if back else [front]))
                break
    return served


def _lines(parts: list[Section]) -> tuple[tuple[str, ...], ...]:
    return tuple(line for part in parts for line in part.lines)


def _listener(
    cluster: Cluster, listener: Listener, theirs: Section, defaults: Section
) -> Iterator[Difference]:
    port = f"port {listener.port}"
    for name in _TIMEOUTS:
        value = theirs.value("timeout", name) or defaults.value("timeout", name)
        ours: str = getattr(listener.timeouts, name)
        if value and _milliseconds(value) != milliseconds(ours):
            yield Difference(
                f"{port}: timeout {name} {value} becomes {ours}",
                f"listeners[].timeouts.{name}: {_duration(value)}",
            )
    balance = theirs.value("balance") or defaults.value("balance") or "roundrobin"
    if balance != listener.balance:
        yield Difference(
            f"{port}: balance {balance} becomes {listener.balance}",
            f"listeners[].balance: {balance}",
        )
    servers = sorted(line[2] for line in theirs.all("server") if len(line) > 2)
    wanted = sorted(f"{address}:{to}" for _, address, to in backends_of(cluster, listener))
    if servers != wanted:
        yield Difference(
            f"{port}: servers {', '.join(servers) or 'none'} become {', '.join(wanted)}",
            f"listeners[].backends: [{', '.join(servers)}]",
        )
    check = theirs.value("option", "httpchk") or defaults.value("option", "httpchk")
    if check and listener.check.type == "tcp":
        yield Difference(f"{port}: option httpchk {check}", "listeners[].check")
    for bind in (line for line in theirs.all("bind") if line[1:] != (f"*:{listener.port}",)):
        yield Difference(f"{port}: {_told(bind)} becomes every address", _TEMPLATE)
    carried = ("timeout", "balance", "server", "bind", "default_backend", "mode", "option", "log")
    for line in theirs.lines:
        if line[0] == "maxconn" and line[1:] != (str(listener.maxconn),):
            yield Difference(f"{port}: {_told(line)}", f"listeners[].maxconn: {line[-1]}")
        elif line[0] not in (*carried, "maxconn", "default-server"):
            yield Difference(f"{port}: {_told(line)}", "templates.extra.listener")


def _others(found: tuple[Section, ...], known: set[Section]) -> Iterator[Difference]:
    """Listeners that serve none of our ports."""
    for section in found:
        if section.kind not in ("frontend", "listen") or section in known:
            continue
        ports = ", ".join(str(port) for port in sorted(section.ports)) or "no port"
        if section.all("stats"):
            yield Difference(
                f"{section.kind} {section.name}: statistics on {ports}; ours are read-only, on "
                "/stats of haproxy.metrics",
                "haproxy.metrics: {address: 0.0.0.0, port: ...}",
            )
        else:
            yield Difference(f"{section.kind} {section.name} on {ports} goes", "listeners")


def _duration(value: str) -> str:
    return f"{value}ms" if value.isdigit() else value


def _milliseconds(value: str) -> int | None:
    """A time of haproxy's, which is in milliseconds if it says nothing."""
    text = _duration(value)
    return milliseconds(text) if re.match(DURATION, text) else None
