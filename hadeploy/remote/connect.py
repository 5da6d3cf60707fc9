"""One fabric connection per node, which is opened once per run."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import paramiko
from fabric import Config, Connection
from paramiko.config import SSHConfig
from pydantic import SecretStr

from hadeploy.errors import ExitCode
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.inventory.paths import beside
from hadeploy.remote.client_transport import ClientTransport
from hadeploy.remote.connect_errors import Stop, explained
from hadeploy.remote.hostkeys import HostKeyPolicy, NewKeys, key_algorithms, read_known_hosts
from hadeploy.remote.login import Login, load_key
from hadeploy.remote.node_routes import NodeRoutes
from hadeploy.remote.proxy_command import ProxyCommand
from hadeploy.remote.retry import PermanentError, retried
from hadeploy.remote.session import Session
from hadeploy.remote.ssh_options import HostOptions

KEEPALIVE_SECONDS = 15
# The keys that ssh tries by default.
USUAL_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
PASSPHRASES = 3


def no_terminal(question: str) -> SecretStr | None:
    """The answer without a terminal: None."""
    del question
    return None


@dataclass(frozen=True)
class Dialer:
    """How one run connects to the nodes of a cluster.

    Attributes:
        routes: the routes to the nodes.
        accept_new: trust host keys seen for the first time.
        sudo_password: for nodes whose sudo asks for a password.
        ask: asks for a secret on the terminal; None if there is none.
        unlocked: private keys whose passphrase was given, by file.
        new_keys: host keys that were accepted in this run.
    """

    routes: NodeRoutes
    accept_new: bool = False
    sudo_password: SecretStr | None = None
    ask: Callable[[str], SecretStr | None] = no_terminal
    unlocked: dict[Path, paramiko.PKey] = field(default_factory=dict)
    new_keys: NewKeys = field(default_factory=NewKeys)

    @property
    def cluster(self) -> Cluster:
        """The cluster of the nodes."""
        return self.routes.cluster

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the inventory begin at."""
        return self.routes.folder

    def connect(self, node: Node) -> Session:
        """Open the connection to one node, and to each jump host before it.

        If a server disconnects before the login, this tries again, with increasing pauses, until
        the connect timeout.

        Raises:
            LockedKeyError: a key needs its passphrase; call `unlock` and try again.
            HadeployError: the name, the network, the host key or the login failed.
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
            Whether there is a terminal to ask on.

        Raises:
            PermanentError: the passphrase was wrong several times.
        """
        for _ in range(PASSPHRASES):
            passphrase = self.ask(f"Passphrase for {file}: ")
            if passphrase is None:
                return False
            if key := load_key(file, passphrase.get_secret_value() or None):
                self.unlocked[file] = key
                return True
        raise PermanentError(
            "wrong passphrase",
            operation=f"unlocking {file}",
            hint=f"try: ssh-keygen -y -f {file}",
            code=ExitCode.UNREACHABLE,
        )

    def _connect(self, node: Node) -> Connection:
        route = self.routes.route(node)
        opened: list[Connection] = []
        try:
            for place, hop in enumerate(route.hops):
                target = place == len(route.hops) - 1
                identity = route.identity_file if target else None
                stop = Stop(
                    node.label,
                    hop.where,
                    is_jump=not target,
                    through=route.hops[place - 1].where if place else "",
                )
                opened.append(self._connection(hop, opened[-1] if opened else None, identity))
                self._open(opened[-1], hop, stop)
        except BaseException:
            for connection in reversed(opened):
                connection.close()
            raise
        return opened[-1]

    def _open(self, connection: Connection, hop: HostOptions, stop: Stop) -> None:
        """Open a connection whose gateway is open."""
        timeout = self.routes.timeout(hop)
        login = connection.connect_kwargs["auth_strategy"]
        proxy: ProxyCommand | None = None
        sock: socket.socket | None = None
        try:
            if hop.proxy_command and not connection.gateway:
                proxy = ProxyCommand(
                    hop.proxy_command, passes_socket=hop.proxy_passes_socket, timeout=timeout
                )
                sock = proxy.socket
            elif not connection.gateway:
                sock = self.routes.early.take(hop.hostname, hop.port)
            if sock:
                connection.connect_kwargs["sock"] = sock
            connection.open()
        except Exception as error:
            # fabric closes only established connections.
            connection.client.close()
            if sock:
                sock.close()
            cause = (proxy and not login.begun and proxy.failure()) or error
            raise explained(cause, stop, timeout, offered=login.begun) from error
        # The default of paramiko for the next hop is one hour.
        connection.transport.channel_timeout = timeout
        connection.transport.set_keepalive(KEEPALIVE_SECONDS)

    def way(self, node: Node) -> str:
        """The route to a node, for display: every login, and the entries of the SSH config."""
        return str(self.routes.route(node))

    def _connection(
        self, hop: HostOptions, gateway: Connection | None, identity: str | None
    ) -> Connection:
        timeout = self.routes.timeout(hop)
        named = self.cluster.ssh.known_hosts
        files = _known_hosts(self.folder, named) if named else hop.known_hosts
        known = read_known_hosts(files, hop.known_as)
        connection = Connection(
            host=hop.hostname,
            user=hop.user,
            port=hop.port,
            # The SSH config has been read already.
            config=Config(lazy=True, ssh_config=SSHConfig()),
            gateway=gateway or False,
            connect_timeout=max(1, round(timeout)),
            connect_kwargs={
                "banner_timeout": timeout,
                "auth_timeout": timeout,
                "channel_timeout": timeout,
                "compress": hop.compress,
                "disabled_algorithms": {kind: list(names) for kind, names in hop.disabled},
                "transport_factory": partial(ClientTransport, order=partial(key_algorithms, known)),
            },
        )
        # paramiko refuses key_filename beside auth_strategy, and fabric sets an empty one.
        connection.connect_kwargs.pop("key_filename", None)
        connection.connect_kwargs["auth_strategy"] = self._login(hop, identity)
        may_write = bool(files) if named else hop.may_write
        write_to = files[0] if self.accept_new and may_write else None
        if self.accept_new and write_to is None and not known.types:
            raise PermanentError(
                "there is no known_hosts file to write new host keys to",
                operation="--accept-new-host-keys",
                hint="it is set to none (UserKnownHostsFile in the SSH config, or "
                "ssh.known_hosts); name one in ssh.known_hosts",
                code=ExitCode.USAGE,
            )
        connection.client.set_missing_host_key_policy(
            HostKeyPolicy(
                hop, known, write_to, self.new_keys, hash_names=hop.hash_new_keys and not named
            )
        )
        return connection

    def _login(self, hop: HostOptions, identity: str | None) -> Login:
        own = [beside(self.folder, identity)] if identity else []
        if own and not own[0].is_file():
            raise PermanentError(
                f"{identity}: no such file",
                operation="reading ssh.identity_file",
                code=ExitCode.USAGE,
            )
        named = hop.identity_files is not None or bool(own)
        files = [*own, *(hop.identity_files or ())]
        return Login(
            user=hop.user,
            files=list(dict.fromkeys(files)) if named else [beside(Path(), k) for k in USUAL_KEYS],
            certificates=hop.certificates,
            unlocked=self.unlocked,
            agent=hop.agent,
            insist=bool(files),
            only=hop.identities_only,
            timeout=self.routes.timeout(hop),
        )


def _known_hosts(folder: Path, named: str) -> tuple[Path, ...]:
    """The file that the inventory names; "none" means no file, as for ssh."""
    return () if named.lower() == "none" else (beside(folder, named),)
