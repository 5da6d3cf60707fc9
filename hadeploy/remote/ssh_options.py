"""The SSH options of one host: the typed output of `ssh -G`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hadeploy.errors import ExitCode
from hadeploy.inventory.problems import printable
from hadeploy.remote.retry import PermanentError
from hadeploy.remote.ssh_algorithms import disabled_algorithms
from hadeploy.remote.ssh_tokens import expand_command, expand_path, split_paths, tokens_of
from hadeploy.remote.ssh_unsupported import not_followed
from hadeploy.remote.ssh_variables import refuse_unset

# Keyword in lower case → values in order, as `ssh -G` prints them.
Dump = Mapping[str, tuple[str, ...]]

SSH_PORT = 22
KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
SYSTEM_FOLDERS = ("/etc/", "/usr/")

_APPLIED = re.compile(r"debug1: (.+) line \d+: Applying options for (.+)")
_READING = re.compile(r"debug1: Reading configuration data (.+)")
_CHECKING = re.compile(r"debug2: checking match for '(.*)' host \S+ originally ")


@dataclass(frozen=True)
class Query:
    """A host, and its settings in the inventory, which take precedence over the SSH config.

    Attributes:
        jump: as ProxyJump; "none" for a direct connection.
    """

    host: str
    user: str | None = None
    port: int | None = None
    jump: str | None = None


@dataclass(frozen=True)
class HostOptions:
    """The options for one host.

    Attributes:
        host: the name that was looked up.
        hostname: the name or address to connect to.
        jump: ProxyJump, [user@]host[:port],...; None for no jump host.
        proxy_command: for the shell; None for no command.
        proxy_passes_socket: whether that command passes a connected socket and ends.
        identity_files: private keys in the config; None: the default keys are used.
        agent: the socket of the SSH agent; None for no agent.
        known_hosts: the user's files, then the system's; a new key is written to the first.
        may_write: whether the first file belongs to the user.
        revoked: files of revoked keys (RevokedHostKeys).
        disabled: disabled algorithms, by paramiko's name for their kind.
        compress: whether to request compression.
        connect_timeout: seconds; None if not set.
        entries: the Host and Match blocks of the user that apply.
        not_followed: unsupported options that are set, each with the reason.
    """

    host: str
    hostname: str
    user: str
    port: int
    jump: str | None
    proxy_command: str | None
    proxy_passes_socket: bool
    identity_files: tuple[Path, ...] | None
    identities_only: bool
    certificates: tuple[Path, ...]
    agent: str | None
    known_hosts: tuple[Path, ...]
    may_write: bool
    hash_new_keys: bool
    host_key_alias: str | None
    revoked: tuple[Path, ...]
    minimum_rsa_bits: int
    disabled: tuple[tuple[str, tuple[str, ...]], ...]
    compress: bool
    connect_timeout: float | None
    entries: tuple[str, ...] = ()
    not_followed: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """user@host:port, for display."""
        return printable(f"{self.user}@{self.hostname}:{self.port}")

    @property
    def certified_as(self) -> str:
        """The name that a host certificate must contain."""
        return (self.host_key_alias or self.hostname).lower()

    @property
    def known_as(self) -> tuple[str, ...]:
        """The names in known_hosts, the exact one first; as in OpenSSH, always in lower case."""
        if self.host_key_alias:
            return (self.host_key_alias.lower(),)
        plain = self.hostname.lower()
        return (plain,) if self.port == SSH_PORT else (f"[{plain}]:{self.port}", plain)


def parse_dump(text: str) -> dict[str, tuple[str, ...]]:
    """Parse the output of `ssh -G`."""
    values: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        values[keyword.lower()] = (*values.get(keyword.lower(), ()), value)
    return values


def used_entries(debug: str, *, system: bool = False) -> tuple[str, ...]:
    """The Host and Match blocks that apply, from `ssh -vv`.

    Args:
        debug: its stderr.
        system: whether to include blocks in system files.
    """
    skipped = () if system else SYSTEM_FOLDERS
    found: dict[str, None] = {}
    file, match = "", ""
    for line in debug.splitlines():
        if reading := _READING.fullmatch(line):
            file = reading[1]
        elif (applied := _APPLIED.fullmatch(line)) and not applied[1].startswith(skipped):
            found[f"Host {applied[2]}"] = None
        elif checking := _CHECKING.match(line):
            match = checking[1]
        elif line == "debug2: match found" and not file.startswith(skipped):
            found[f"Match {match}"] = None
    return tuple(map(printable, found))


def options_of(
    dump: Dump,
    baseline: Dump,
    query: Query,
    environment: Mapping[str, str],
    *,
    entries: tuple[str, ...] = (),
    also_not_followed: tuple[str, ...] = (),
) -> HostOptions:
    """The options of one host.

    Args:
        dump: the set and default options of the host.
        baseline: the defaults without a config file: an option with the same value counts as unset.
        query: the host and its settings in the inventory.
        environment: for ${VAR} and the agent.
        entries: from `used_entries`.
        also_not_followed: further unsupported options.

    Raises:
        UnsetVariableError: an option uses a variable that is not set.
        PermanentError: HostName is not UTF-8.
    """
    refuse_unset(dump, environment)
    configured = {
        keyword: values for keyword, values in dump.items() if baseline.get(keyword) != values
    }

    def one(keyword: str, default: str = "") -> str:
        return dump.get(keyword, (default,))[0]

    def is_on(keyword: str) -> bool:
        return one(keyword).lower() in ("yes", "true")

    host, hostname, user = query.host, one("hostname"), one("user")
    _refuse_bytes(hostname)
    port = int(one("port", str(SSH_PORT)))
    configured_jump = _unless_none(query.jump or one("proxyjump"))
    alias = one("hostkeyalias") or None
    tokens = tokens_of(
        host=host,
        hostname=hostname,
        user=user,
        port=port,
        alias=alias,
        jump_host=jump_host(configured_jump) if configured_jump else "",
    )
    jump = expand_command(configured_jump, tokens) if configured_jump else None

    def paths(values: tuple[str, ...]) -> tuple[Path, ...]:
        expanded = (expand_path(value, tokens, environment) for value in values if value != "none")
        return tuple(path for path in expanded if path)

    def several(keyword: str, default: tuple[str, ...]) -> tuple[Path, ...]:
        lines = configured.get(keyword)
        if lines is None:
            return paths(default)
        if [line.lower() for line in lines] == ["none"]:
            return ()
        return paths(tuple(path for line in lines for path in split_paths(line, os.path.isfile)))

    own = several("userknownhostsfile", KNOWN_HOSTS)
    command = None if jump else _unless_none(one("proxycommand"))
    disabled, unusable = disabled_algorithms(configured)
    timeout = one("connecttimeout")
    return HostOptions(
        host=host,
        hostname=hostname,
        user=user,
        port=port,
        jump=jump,
        proxy_command=expand_command(command, tokens) if command else None,
        proxy_passes_socket=is_on("proxyusefdpass"),
        identity_files=paths(configured["identityfile"]) if "identityfile" in configured else None,
        identities_only=is_on("identitiesonly"),
        certificates=paths(dump.get("certificatefile", ())),
        agent=_agent(one("identityagent"), tokens, environment),
        known_hosts=(*own, *several("globalknownhostsfile", SYSTEM_KNOWN_HOSTS)),
        may_write=bool(own),
        hash_new_keys=is_on("hashknownhosts"),
        host_key_alias=alias,
        revoked=several("revokedhostkeys", ()),
        minimum_rsa_bits=int(one("requiredrsasize", "0")),
        disabled=disabled,
        compress=is_on("compression"),
        connect_timeout=float(timeout) if timeout.isdigit() and int(timeout) else None,
        entries=entries,
        not_followed=(*also_not_followed, *not_followed(configured), *unusable),
    )


def _refuse_bytes(hostname: str) -> None:
    """Refuse a name with bytes that are not UTF-8, which no resolver accepts."""
    if any("\udc80" <= character <= "\udcff" for character in hostname):
        raise PermanentError(
            f"HostName {printable(hostname)} is not UTF-8",
            operation="reading the SSH config",
            hint="correct the SSH config",
            code=ExitCode.USAGE,
        )


def jump_host(jump: str) -> str:
    """The name of the last jump host, for %j."""
    name = jump.rpartition(",")[2].rpartition("@")[2]
    return name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]


def _unless_none(text: str) -> str | None:
    return text if text and text.lower() != "none" else None


def _agent(value: str, tokens: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """The agent's socket (IdentityAgent in ssh_config(5))."""
    if value.lower() == "none":
        return None
    if value in ("", "SSH_AUTH_SOCK"):
        return environment.get("SSH_AUTH_SOCK") or None
    if re.fullmatch(r"\$\w+", value):
        return environment.get(value[1:]) or None
    path = expand_path(value, tokens, environment)
    return str(path) if path else None
