"""One fabric connection per node, opened once and used for the whole run."""

from __future__ import annotations

import fnmatch
import socket
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import paramiko
from fabric import Config, Connection

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster, Node
from hadeploy.inventory.paths import beside
from hadeploy.transport.hostkeys import UnknownHostKeyError, check_host_key
from hadeploy.transport.session import Session

KEEPALIVE_SECONDS = 15

Stage = Literal["ssh-reach", "ssh-host-key", "ssh-login"]


class ConnectError(HadeployError):
    """A node that did not let us in.

    Args:
        what: what came back, one sentence.
        stage: how far we came.
        node: the node's label.
        doing: to where.
        hint: what to do next.
    """

    def __init__(self, what: str, *, stage: Stage, node: str, doing: str, hint: str) -> None:
        super().__init__(what, node=node, doing=doing, hint=hint, code=ExitCode.UNREACHABLE)
        self.stage = stage


@dataclass(frozen=True)
class Dialer:
    """How one run connects to the nodes of a cluster.

    Attributes:
        cluster: for its ssh settings.
        folder: where paths in the inventory begin.
        accept_new: trust host keys seen for the first time.
    """

    cluster: Cluster
    folder: Path
    accept_new: bool = False
    writing: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def config(self) -> Config:
        """The user's ssh config as fabric reads it; fabric's own config files are not consulted.

        Raises:
            HadeployError: the inventory names a file that is not there.
        """
        path = self._path(self.cluster.ssh.config)
        if path and not Path(path).is_file():
            raise HadeployError(
                f"{path}: no such file", doing="reading ssh.config", code=ExitCode.USAGE
            )
        config = Config(lazy=True, runtime_ssh_path=path)
        config.load_ssh_config()
        return config

    def connect(self, node: Node) -> Session:
        """Open the connection to one node, and to each jump host before it.

        Raises:
            HadeployError: with what failed (name, reach, host key, login) and what to do about it.
        """
        ssh = self.cluster.ssh
        opened: list[Connection] = []
        try:
            for hop in self._hops(node):
                opened.append(hop)
                where = f"{hop.user}@{hop.host}:{hop.port}"
                try:
                    check_host_key(
                        hop,
                        self._path(ssh.known_hosts),
                        accept_new=self.accept_new,
                        writing=self.writing,
                    )
                    hop.open()
                except Exception as error:
                    raise explained(error, node.label, where, ssh.connect_timeout) from error
                # paramiko would wait an hour for the next hop behind this one.
                hop.transport.channel_timeout = ssh.connect_timeout
                hop.transport.set_keepalive(KEEPALIVE_SECONDS)
        except BaseException:
            for hop in reversed(opened):
                hop.close()
            raise
        user = opened[-1].user
        return Session(
            node=node.label,
            connection=opened[-1],
            sudo=ssh.sudo == "always" or (ssh.sudo == "auto" and user != "root"),
            silence=ssh.command_timeout,
        )

    def way(self, node: Node) -> str:
        """How a node is reached, in words: every login, and the ssh config's entries behind it.

        Args:
            node: one that the run has tried to connect to.
        """
        hops = self._hops(node)
        logins = " through ".join(f"{hop.user}@{hop.host}:{hop.port}" for hop in reversed(hops))
        names = self.config.base_ssh_config.get_hostnames()
        entries = sorted(
            name
            for name in names
            if name != "*" and any(fnmatch.fnmatchcase(hop.original_host, name) for hop in hops)
        )
        entries += ["*"] if "*" in names and self._says_something() else []
        return f"{logins} (ssh config: Host {', '.join(entries)})" if entries else logins

    def _says_something(self) -> bool:
        """Whether the ssh config has anything for hosts that it does not name."""
        return set(self.config.base_ssh_config.lookup("0.0.0.0")) > {"hostname"}  # noqa: S104

    def _hops(self, node: Node) -> list[Connection]:
        """The connections to open, nearest first; the inventory's word wins over the ssh config's.

        fabric goes through several ProxyJump hosts in the wrong order, so they are taken here.
        """
        ssh, own = self.cluster.ssh, node.ssh
        host = own.host or str(node.address)
        options = self.config.base_ssh_config.lookup(host)
        jump = own.jump or ssh.jump or options.get("proxyjump", "none")
        hops: list[Connection] = []
        for text in [] if jump.lower() == "none" else jump.split(","):
            user, name, port = parse_hop(text.strip())
            hops.append(self._connection(name, user, port, hops[-1] if hops else None))
        identity = own.identity_file or ssh.identity_file
        target = self._connection(
            host, own.user or ssh.user, own.port or ssh.port, hops[-1] if hops else None, identity
        )
        return [*hops, target]

    def _connection(
        self,
        host: str,
        user: str | None,
        port: int | None,
        gateway: Connection | None,
        identity: str | None = None,
    ) -> Connection:
        timeout = self.cluster.ssh.connect_timeout
        kwargs: dict[str, Any] = {
            "banner_timeout": timeout,
            "auth_timeout": timeout,
            "channel_timeout": timeout,
        }
        if identity:
            if not beside(self.folder, identity).is_file():
                raise HadeployError(
                    f"{identity}: no such file",
                    doing="reading ssh.identity_file",
                    code=ExitCode.USAGE,
                )
            kwargs |= {"key_filename": [self._path(identity)], "look_for_keys": False}
        options = self.config.base_ssh_config.lookup(host)
        return Connection(
            host=host,
            user=user,
            port=port,
            config=self.config.clone(),
            # False: no gateway, whatever fabric would read from the ssh config.
            gateway=gateway or options.get("proxycommand") or False,
            connect_timeout=max(1, round(timeout)),
            connect_kwargs=kwargs,
        )

    def _path(self, text: str | None) -> str | None:
        return str(beside(self.folder, text)) if text else None


def parse_hop(text: str) -> tuple[str | None, str, int | None]:
    """`[user@]host[:port]` as in `ssh -J`; an IPv6 address with a port stands in brackets.

    Returns:
        User, host and port; None for what is not said.
    """
    user, at, rest = text.rpartition("@")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    return (user if at else None), host, (int(port) if port.isdigit() else None)


def explained(error: Exception, node: str, where: str, timeout: float) -> ConnectError:
    """What went wrong with a connection, in words, and what to do about it."""
    stage: Stage = "ssh-reach"
    host = where.rpartition("@")[2].rpartition(":")[0]
    what, hint = f"{type(error).__name__}: {error}", "try: ssh " + where.rpartition(":")[0]
    silent = ("Error reading SSH protocol banner", "No existing session")
    if isinstance(error, paramiko.BadHostKeyException):
        stage = "ssh-host-key"
        what = "the host key has CHANGED: this may be another machine, or somebody in between"
        hint = f"if the node was reinstalled, remove the old key: ssh-keygen -R {host}"
    elif isinstance(error, UnknownHostKeyError):
        stage = "ssh-host-key"
        fingerprint = error.key.fingerprint
        what = f"unknown host key ({error.key.get_name()} {fingerprint}) of {error.host}"
        hint = (
            "connect once with ssh and compare the fingerprint, "
            "or trust it on first use: --accept-new-host-keys"
        )
    elif isinstance(error, paramiko.PasswordRequiredException):
        stage = "ssh-login"
        what = "the private key is encrypted and no agent offers it"
        hint = "load it first: ssh-add"
    elif isinstance(error, paramiko.AuthenticationException):
        stage = "ssh-login"
        what = f"login refused ({error})"
        hint = "check ssh.user and ssh.identity_file, or load the key into ssh-agent: ssh-add"
    elif isinstance(error, socket.gaierror):
        what, hint = f"the name does not resolve ({error.strerror})", "check the spelling, or DNS"
    elif isinstance(error, TimeoutError):
        what = f"no answer within {timeout:g} s"
        hint = "is the node up, and does a firewall let SSH through? (ssh.connect_timeout)"
    elif isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        reasons = {str(getattr(e, "strerror", None) or e) for e in error.errors.values()}
        what, hint = "; ".join(sorted(reasons)), "is the node up, and does sshd listen there?"
    elif any(words in str(error) for words in silent):
        what, hint = f"no SSH server answers within {timeout:g} s", "does sshd listen on that port?"
    elif isinstance(error, OSError) and error.strerror:
        what = error.strerror
    return ConnectError(what, stage=stage, node=node, doing=f"connecting to {where}", hint=hint)
