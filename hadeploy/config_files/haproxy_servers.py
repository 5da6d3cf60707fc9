"""The server lines of a haproxy.cfg (configuration manual, 5.2). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hadeploy.config_files.haproxy import Line, expanded
from hadeploy.config_files.haproxy_values import Endpoint, endpoint, microseconds, whole

# Options with a value; all others have none.
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


_OF_NAMES = ("init-addr", "resolve-prefer", "resolve-net", "resolve-opts")


@dataclass(frozen=True)
class Server:
    """A server line.

    Attributes:
        name: its name.
        at: its address.
        options: option → normalised value; "" for an option without a value.
        written: option → original value.
        many: whether it is a template for several servers.
    """

    name: str
    at: Endpoint
    options: Mapping[str, str]
    written: Mapping[str, str]
    many: bool = False


def read_servers(lines: Sequence[Line], environment: Mapping[str, str]) -> tuple[Server, ...]:
    """The servers of a backend.

    Args:
        lines: the lines that apply to the backend, its `defaults` first.
        environment: the environment variables of haproxy.
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
    """A line for several servers (configuration manual, 4.2)."""
    prefix, count, word = line.words[1:4]
    at = endpoint(expanded(word, environment))
    return Server(f"{prefix}{count}", at, {"check": ""}, {}, many=count != "1")


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
    """Whether an option has an effect: it is not the default, and no other option cancels it."""
    if name in ("enabled", *_OF_NAMES) or (name == "no-check" and "check" in written):
        return False
    return not (name == "weight" and written[name] == "1")


def _same(name: str, text: str) -> str:
    if name in _TIMES:
        time = microseconds(text)
        return text if time is None else f"{time}us"
    number = whole(text)
    return text if number is None else str(number)


def place(at: Endpoint, names: Mapping[str, str], port: int) -> str:
    """Address and port in the form of the inventory; "" if the inventory cannot express them."""
    host = names.get(at.host, at.host if at.address is not None else "")
    ports = at.ports or (port,)
    if not host or len(ports) != 1:
        return ""
    return f"[{host}]:{ports[0]}" if ":" in host else f"{host}:{ports[0]}"
