"""One fabric connection per node, opened once and used for the whole run."""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import paramiko
from fabric import Config, Connection
from paramiko import SSHConfigDict
from pydantic import SecretStr

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster, Node
from hadeploy.inventory.paths import beside
from hadeploy.transport.explain import explained
from hadeploy.transport.hostkeys import check_host_key
from hadeploy.transport.login import Login, load_key
from hadeploy.transport.retry import DoNotRetryError, retried
from hadeploy.transport.session import Session

KEEPALIVE_SECONDS = 15
# What ssh tries when nothing is said.
USUAL_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
PASSPHRASES = 3


def nobody(question: str) -> SecretStr | None:
    """There is no terminal to ask on."""
    del question
    return None


@dataclass(frozen=True)
class Dialer:
    """How one run connects to the nodes of a cluster.

    Attributes:
        cluster: for its ssh settings.
        folder: where paths in the inventory begin.
        accept_new: trust host keys seen for the first time.
        sudo_password: for nodes where sudo asks for one.
        ask: asks for a secret on the terminal; None if there is none.
        unlocked: private keys whose passphrase was given, by file.
    """

    cluster: Cluster
    folder: Path
    accept_new: bool = False
    sudo_password: SecretStr | None = None
    ask: Callable[[str], SecretStr | None] = nobody
    unlocked: dict[Path, paramiko.PKey] = field(default_factory=dict)
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

        A server that hangs up before it was asked anything is asked again, with longer and longer
        pauses, for as long as connecting may take.

        Raises:
            LockedKeyError: after `unlock` it may succeed.
            HadeployError: with what failed (name, reach, host key, login) and what to do about it.
        """
        until = time.monotonic() + self.cluster.ssh.connect_timeout
        connection = retried(lambda: self._connect(node), until=until)
        ssh = self.cluster.ssh
        return Session(
            node=node.label,
            connection=connection,
            sudo=ssh.sudo == "always" or (ssh.sudo == "auto" and connection.user != "root"),
            silence=ssh.command_timeout,
            password=self.sudo_password,
        )

    def unlock(self, file: Path) -> bool:
        """Ask for the passphrase of a private key; in the main thread only.

        Returns:
            Whether there was somebody to ask.

        Raises:
            DoNotRetryError: the passphrase was wrong several times.
        """
        for _ in range(PASSPHRASES):
            passphrase = self.ask(f"Passphrase for {file}: ")
            if passphrase is None:
                return False
            if key := load_key(file, passphrase.get_secret_value() or None):
                self.unlocked[file] = key
                return True
        raise DoNotRetryError(
            "that is not its passphrase",
            doing=f"unlocking {file}",
            hint=f"try: ssh-keygen -y -f {file}",
            code=ExitCode.UNREACHABLE,
        )

    def _connect(self, node: Node) -> Connection:
        ssh = self.cluster.ssh
        opened: list[Connection] = []
        try:
            for hop in self._hops(node):
                opened.append(hop)
                where = f"{hop.user}@{hop.host}:{hop.port}"
                login = hop.connect_kwargs["auth_strategy"]
                try:
                    check_host_key(
                        hop,
                        self._path(ssh.known_hosts),
                        accept_new=self.accept_new,
                        writing=self.writing,
                    )
                    hop.open()
                except Exception as error:
                    raise explained(
                        error, node.label, where, ssh.connect_timeout, offered=login.begun
                    ) from error
                # paramiko would wait an hour for the next hop behind this one.
                hop.transport.channel_timeout = ssh.connect_timeout
                hop.transport.set_keepalive(KEEPALIVE_SECONDS)
        except BaseException:
            for hop in reversed(opened):
                hop.close()
            raise
        return opened[-1]

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
        options = self.config.base_ssh_config.lookup(host)
        connection = Connection(
            host=host,
            user=user,
            port=port,
            config=self.config.clone(),
            # False: no gateway, whatever fabric would read from the ssh config.
            gateway=gateway or options.get("proxycommand") or False,
            connect_timeout=max(1, round(timeout)),
            connect_kwargs={
                "banner_timeout": timeout,
                "auth_timeout": timeout,
                "channel_timeout": timeout,
            },
        )
        # paramiko takes either this or its own options, among which fabric puts the ssh config's.
        connection.connect_kwargs.pop("key_filename", None)
        connection.connect_kwargs["auth_strategy"] = self._login(connection.user, options, identity)
        return connection

    def _login(self, user: str, options: SSHConfigDict, identity: str | None) -> Login:
        if identity and not beside(self.folder, identity).is_file():
            raise DoNotRetryError(
                f"{identity}: no such file", doing="reading ssh.identity_file", code=ExitCode.USAGE
            )
        named = [identity] if identity else []
        named += [name for name in options.get("identityfile", []) if name not in named]
        certificate = options.get("certificatefile")
        return Login(
            user=user,
            files=[beside(self.folder, name) for name in named or USUAL_KEYS],
            certificates=[beside(self.folder, certificate)] if certificate else [],
            unlocked=self.unlocked,
            insist=bool(named),
            only=options.get("identitiesonly", "no").lower() == "yes" and bool(named),
        )

    def _path(self, text: str | None) -> str | None:
        return str(beside(self.folder, text)) if text else None


def parse_hop(text: str) -> tuple[str | None, str, int | None]:
    """`[user@]host[:port]` as in `ssh -J`; an IPv6 address with a port stands in brackets.

    Returns:
        User, host and port; None for what is not said.

    Raises:
        DoNotRetryError: it is something else, which only an ssh config can say.
    """
    user, at, rest = text.rpartition("@")
    host, port = rest, ""
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit())):
        raise DoNotRetryError(
            f"{text!r} is no [user@]host[:port]", doing="reading ProxyJump", code=ExitCode.USAGE
        )
    return (user if at else None), host, (int(port) if port else None)
