"""The route to a node: its SSH options, and those of each jump host before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.remote.retry import PermanentError
from hadeploy.remote.ssh_options import HostOptions, Query

MAX_HOPS = 16
# ssh's error for a jump host that would be reached through itself, such as with `Host *`.
LOOP = "jumphost loop"

Resolver = Callable[[Query], HostOptions]


@dataclass(frozen=True)
class Route:
    """The connections to open.

    Attributes:
        hops: the nearest first; the last one is the node.
        identity_file: the key that the inventory names for the node.
    """

    hops: tuple[HostOptions, ...]
    identity_file: str | None

    def __str__(self) -> str:
        """Every login, and the entries of the SSH config that apply."""
        logins = " through ".join(hop.where for hop in reversed(self.hops))
        if self.hops[0].proxy_command:
            logins += " through a ProxyCommand"
        used = dict.fromkeys(entry for hop in self.hops for entry in hop.entries)
        hosts = [entry.removeprefix("Host ") for entry in used if entry.startswith("Host ")]
        entries = [f"Host {', '.join(hosts)}"] if hosts else []
        entries += [entry for entry in used if not entry.startswith("Host ")]
        return f"{logins} (ssh config: {', '.join(entries)})" if entries else logins


def route_to(cluster: Cluster, node: Node, resolve: Resolver) -> Route:
    """The route to a node; the inventory takes precedence over the SSH config.

    Raises:
        PermanentError: the SSH config is invalid, or its jump hosts form a loop.
    """
    ssh, own = cluster.ssh, node.ssh
    query = Query(
        host=own.host or str(node.address),
        user=own.user or ssh.user,
        port=own.port or ssh.port,
        jump=own.jump or ssh.jump,
    )
    return Route(_hops(query, resolve, MAX_HOPS), own.identity_file or ssh.identity_file)


def _hops(query: Query, resolve: Resolver, most: int) -> tuple[HostOptions, ...]:
    """As ssh: the last jump host is reached through the others, the first with its own options."""
    options = _direct_if_own_jump_host(query, resolve)
    if options.jump is None:
        return (options,)
    if not most:
        raise PermanentError(
            f"the jump hosts of {query.host} form a loop",
            operation="reading ProxyJump",
            code=ExitCode.USAGE,
        )
    others, _, last = options.jump.rpartition(",")
    user, name, port = parse_hop(last.strip())
    jump = Query(name, user, port, others or None)
    return (*_hops(jump, resolve, most - 1), options)


def _direct_if_own_jump_host(query: Query, resolve: Resolver) -> HostOptions:
    """The options of a host; a host that would be its own jump host is reached directly.

    That is so with `Host *` and ProxyJump. ssh fails then, unless the config has two spellings of
    the host.
    """
    direct = Query(query.host, query.user, query.port, "none")
    try:
        options = resolve(query)
    except PermanentError as error:
        if LOOP not in error.message:
            raise
        return resolve(direct)
    if query.jump is None and options.jump and parse_hop(options.jump)[1] == query.host:
        return resolve(direct)
    return options


def parse_hop(text: str) -> tuple[str | None, str, int | None]:
    """`[user@]host[:port]` as in `ssh -J`; an IPv6 address with a port is in brackets.

    Returns:
        User, host and port; None for missing parts.

    Raises:
        PermanentError: the text has another form, which only an ssh config can have.
    """
    user, at, rest = text.removeprefix("ssh://").rpartition("@")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit())):
        raise PermanentError(
            f"{text!r} is no [user@]host[:port]", operation="reading ProxyJump", code=ExitCode.USAGE
        )
    return (user if at else None), host, (int(port) if port else None)
