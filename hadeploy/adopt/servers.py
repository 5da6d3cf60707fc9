"""The servers behind a listener and their options, theirs and ours. Pure.

Options: configuration manual, 5.2; `default-server` gives those of every server after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.adopt.difference import Difference, Keep, different
from hadeploy.config_files.haproxy import Line, expanded
from hadeploy.config_files.haproxy_values import Endpoint, duration, endpoint, microseconds, whole
from hadeploy.inventory.model import Cluster, Listener
from hadeploy.plan.redacted_diff import shown

# Those that take a value; every other word stands alone.
_WITH_VALUE = frozenset(
    (
        *("addr", "agent-addr", "agent-inter", "agent-port", "agent-send", "alpn", "ca-file"),
        *("check-alpn", "check-proto", "check-sni", "check-pool-conn-name", "ciphers"),
        *("ciphersuites", "client-sigalgs", "cookie", "crl-file", "crt", "curves", "downinter"),
        *("error-limit", "fall", "fastinter", "guid", "hash-key", "id", "idle-ping", "init-addr"),
        *("init-state", "inter", "log-bufsize", "log-proto", "max-reuse", "maxconn", "maxqueue"),
        *("minconn", "namespace", "npn", "observe", "on-error", "on-marked-down", "on-marked-up"),
        *("pool-conn-name", "pool-low-conn", "pool-max-conn", "pool-purge-delay", "port", "proto"),
        *("proxy-v2-options", "redir", "renegotiate", "resolve-net", "resolve-opts"),
        *("resolve-prefer", "resolvers", "rise", "shard", "sigalgs", "slowstart", "sni"),
        *("socks4", "ssl-max-ver", "ssl-min-ver", "tcp-md5sig", "tcp-ut", "track", "verify"),
        *("verifyhost", "weight", "ws"),
    )
)
_TIMES = frozenset(
    ("inter", "fastinter", "downinter", "agent-inter", "slowstart", "pool-purge-delay", "tcp-ut")
)
# What holds where nothing is said.
_USUAL = {"inter": "2000000us", "fall": "3", "rise": "2", "weight": "1", "error-limit": "10"}
_OF_CHECK = {"inter": "interval", "fall": "fall", "rise": "rise"}
# They cannot be given by default-server, or name what is not in our container.
_OF_ONE_SERVER = (
    *("track", "redir", "cookie", "id", "guid", "resolvers", "shard", "backup", "disabled"),
    *("ca-file", "crt", "crl-file", "namespace", "proto"),
)
# haproxy refuses the one without the other.
_TOGETHER = {"ssl": "verify", "check-ssl": "verify", "agent-check": "agent-port"}
_OF_NAMES = ("init-addr", "resolve-prefer", "resolve-net", "resolve-opts")


@dataclass(frozen=True)
class Server:
    """A server line.

    Attributes:
        name: how it is called.
        at: its address.
        options: option → its value in one spelling; "" for one without.
        written: option → as it is written.
        many: whether it stands for servers of which not all addresses are known.
    """

    name: str
    at: Endpoint
    options: Mapping[str, str]
    written: Mapping[str, str]
    many: bool = False


def read_servers(lines: Sequence[Line], environment: Mapping[str, str]) -> tuple[Server, ...]:
    """The servers of a backend.

    Args:
        lines: what applies to it, its `defaults` first.
        environment: of the process that reads it.
    """
    found = []
    defaults: list[str] = []
    for line in lines:
        if line.keyword == "default-server":
            defaults += line.words[1:]
        elif line.keyword == "server" and len(line.words) > 2:
            written = dict(_options([*defaults, *line.words[3:]]))
            options = {
                name: _same(name, text) for name, text in written.items() if _counts(name, written)
            }
            at = endpoint(expanded(line.words[2], environment))
            found.append(Server(line.words[1], at, options, written))
        elif line.keyword == "server-template" and len(line.words) > 3:
            found.append(_template(line, environment))
    return tuple(found)


def _template(line: Line, environment: Mapping[str, str]) -> Server:
    """What stands for several servers (configuration manual, 4.2)."""
    prefix, count, word = line.words[1:4]
    at = endpoint(expanded(word, environment))
    return Server(f"{prefix}{count}", at, {"check": ""}, {}, many=count != "1")


def address_differences(
    cluster: Cluster,
    listener: Listener,
    theirs: Sequence[Server],
    ours: Sequence[Server],
    names: Mapping[str, str],
) -> Iterator[Difference]:
    """Whether the servers are the same, whatever they are called.

    Args:
        cluster: the inventory.
        listener: which one.
        theirs: of their backend.
        ours: of ours.
        names: host name → the address that it has on the node.
    """
    port = f"port {listener.port}"
    for server in theirs:
        host = server.at.host
        if server.at.address is None and not _is_path(server.at.word):
            known = f"becomes the address {names[host]}" if host in names else "is not resolvable"
            yield Difference(
                f"{port}: server {server.name}: the name {host} {known}",
                why="backends of an inventory are addresses; they do not follow DNS",
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
    """The options of their servers that ours do not have."""
    if not ours:
        return
    mine = {**_USUAL, **ours[0].options}
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
            yield Difference(f"{port}: server {server.name} becomes checked")


def _checks_tls(name: str, mine: Mapping[str, str]) -> bool:
    """Whether ours checks over TLS, too, without looking at the certificate."""
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


def _options(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    i = 0
    while i < len(words):
        name = words[i]
        takes = int(name in _WITH_VALUE or name.startswith("set-proxy-v2-tlv-fmt"))
        if name == "source":
            takes = 3 if words[i + 2 : i + 3] in (["usesrc"], ["interface"]) else 1
        yield name, " ".join(words[i + 1 : i + 1 + takes])
        i += 1 + takes


def _counts(name: str, written: Mapping[str, str]) -> bool:
    """Whether it changes anything: not what is the default anyway, nor what is taken back."""
    if name in ("enabled", *_OF_NAMES) or (name == "no-check" and "check" in written):
        return False
    return not (name == "weight" and written[name] == "1")


def _same(name: str, text: str) -> str:
    if name in _TIMES:
        time = microseconds(text)
        return text if time is None else f"{time}us"
    number = whole(text)
    return text if number is None else str(number)


def _is_path(word: str) -> bool:
    return "/" in word or "@" in word


def place(at: Endpoint, names: Mapping[str, str], port: int) -> str:
    """An address and a port; "" if it has none that an inventory could say."""
    host = names.get(at.host, at.host if at.address is not None else "")
    ports = at.ports or (port,)
    if not host or len(ports) != 1:
        return ""
    return f"[{host}]:{ports[0]}" if ":" in host else f"{host}:{ports[0]}"
