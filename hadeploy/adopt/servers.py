"""Differences between the servers of a listener and their options. Pure.

Options: configuration manual, 5.2; `default-server` sets those of every following server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hadeploy.adopt.difference import Difference, Keep, different
from hadeploy.config_files.haproxy_servers import Server, place
from hadeploy.config_files.haproxy_values import duration, whole
from hadeploy.inventory.cluster import Cluster, Listener
from hadeploy.plan.redacted_diff import shown

# The defaults of haproxy.
_DEFAULTS = {"inter": "2000000us", "fall": "3", "rise": "2", "weight": "1", "error-limit": "10"}
_OF_CHECK = {"inter": "interval", "fall": "fall", "rise": "rise"}
# Options that default-server does not accept, or that need something outside the container.
_OF_ONE_SERVER = (
    *("track", "redir", "cookie", "id", "guid", "resolvers", "shard", "backup", "disabled"),
    *("ca-file", "crt", "crl-file", "namespace", "proto"),
)
# Pairs of options that haproxy accepts only together.
_TOGETHER = {"ssl": "verify", "check-ssl": "verify", "agent-check": "agent-port"}


def address_differences(
    cluster: Cluster,
    listener: Listener,
    theirs: Sequence[Server],
    ours: Sequence[Server],
    names: Mapping[str, str],
) -> Iterator[Difference]:
    """The differences between the addresses of servers, regardless of their names.

    Args:
        listener: the listener.
        theirs: the servers of the old backend.
        ours: the servers of hadeploy's backend.
        names: host name → its address on the node.
    """
    port = f"port {listener.port}"
    for server in theirs:
        host = server.at.host
        if server.at.address is None and not _is_path(server.at.word):
            known = f"becomes the address {names[host]}" if host in names else "does not resolve"
            yield Difference(
                f"{port}: server {server.name}: the name {host} {known}",
                why="backends of an inventory are addresses, without DNS",
            )
    found = sorted({place(server.at, names, listener.port) for server in theirs})
    wanted = sorted({place(server.at, names, listener.port) for server in ours})
    if found != wanted:
        backends = [place for place in found if place]
        keep = {"listeners": [{"port": listener.port, "backends": backends}]}
        complete = bool(backends) and len(backends) == len(found)
        complete = complete and not any(server.many for server in theirs)
        yield different(
            cluster,
            f"{port}: servers {', '.join(s.at.word for s in theirs) or 'none'} become "
            f"{', '.join(wanted)}",
            keep if complete else None,
            why="list their addresses under listeners[].backends",
        )


def option_differences(
    cluster: Cluster, listener: Listener, theirs: Sequence[Server], ours: Sequence[Server]
) -> Iterator[Difference]:
    """The options of the old servers that hadeploy's do not have."""
    if not ours:
        return
    mine = {**_DEFAULTS, **ours[0].options}
    written = {"inter": "2s", "fall": "3", "rise": "2", **ours[0].written}
    port = f"port {listener.port}"
    found: dict[tuple[str, str], list[Server]] = {}
    for server in theirs:
        for option in server.options.items():
            found.setdefault(option, []).append(server)
    for (name, value), having in found.items():
        every = len(having) == len(theirs)
        if mine.get(name) == value or (every and name == "weight") or _checks_tls(name, mine):
            continue
        text = f"{name} {having[0].written[name]}".strip()
        whose = "every server" if every else f"server {', '.join(s.name for s in having)}"
        becomes = f" becomes {written[name]}" if written.get(name) else ""
        what = f"{port}: {whose}: {shown(text)}{becomes}"
        usable = every and (name in _OF_CHECK or name not in ours[0].written)
        keeps = _keeps(cluster, listener, name, having[0].written) if usable else ()
        yield different(cluster, what, *keeps)
    for server in theirs:
        if "check" not in server.options:
            yield Difference(f"{port}: server {server.name} gets a health check")


def _checks_tls(name: str, mine: Mapping[str, str]) -> bool:
    """Whether hadeploy also checks over TLS, without verification of the certificate."""
    return name in ("check-ssl", "verify") and "check-ssl" in mine


def _keeps(
    cluster: Cluster, listener: Listener, name: str, written: Mapping[str, str]
) -> Iterator[Keep]:
    value = written[name]
    text = f"{name} {value}".strip()
    if name in _OF_CHECK:
        given = duration(value) if name == "inter" else whole(value)
        yield {"listeners": [{"port": listener.port, "check": {_OF_CHECK[name]: given}}]}
    elif name in _TOGETHER:
        partner = _TOGETHER[name]
        if partner in written and len(cluster.listeners) == 1:
            both = f"default-server {name} {partner} {written[partner]}"
            yield {"templates": {"extra": {"defaults": both}}}
    elif name not in _OF_ONE_SERVER and len(cluster.listeners) == 1 and shown(text) == text:
        yield {"templates": {"extra": {"defaults": f"default-server {text}"}}}


def _is_path(word: str) -> bool:
    return "/" in word or "@" in word
