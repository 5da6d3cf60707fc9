"""One fabric connection per node, opened once and used for the whole run."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import paramiko
from fabric import Config, Connection

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.model import Cluster, Node
from hadeploy.transport.hostkeys import UnknownHostKeyError, check_host_keys
from hadeploy.transport.session import Session

KEEPALIVE_SECONDS = 15


def ssh_config_of(cluster: Cluster) -> Config:
    """The user's ssh config as fabric reads it; fabric's own config files are not consulted.

    Raises:
        HadeployError: the inventory names a file that is not there.
    """
    path = cluster.ssh.config
    if path and not Path(path).expanduser().is_file():
        raise HadeployError(
            f"{path}: no such file", doing="reading ssh.config", code=ExitCode.USAGE
        )
    config = Config(lazy=True, runtime_ssh_path=str(Path(path).expanduser()) if path else None)
    config.load_ssh_config()
    return config


def connection_to(cluster: Cluster, node: Node, config: Config) -> Connection:
    """A connection that is not open yet: the inventory's word wins over the ssh config's."""
    ssh, own = cluster.ssh, node.ssh
    kwargs: dict[str, Any] = {}
    identity = own.identity_file or ssh.identity_file
    if identity:
        kwargs["key_filename"] = [str(Path(identity).expanduser())]
        kwargs["look_for_keys"] = False
    timeout = ssh.connect_timeout
    kwargs |= {"banner_timeout": timeout, "auth_timeout": timeout, "channel_timeout": timeout}
    return Connection(
        host=own.host or str(node.address),
        user=own.user or ssh.user,
        port=own.port or ssh.port,
        config=config,
        gateway=_jump(own.jump or ssh.jump, config),
        connect_timeout=max(1, round(timeout)),
        connect_kwargs=kwargs,
    )


def _jump(hops: str | None, config: Config) -> Connection | None:
    """`[user@]host[:port][,…]` as `ssh -J`: the first hop is the nearest to us."""
    gateway = None
    for hop in (hops or "").split(","):
        if hop.strip():
            gateway = Connection(hop.strip(), config=config, gateway=gateway)
    return gateway


def connect(cluster: Cluster, node: Node, config: Config, *, accept_new: bool = False) -> Session:
    """Open the connection to one node.

    Args:
        cluster: for its ssh settings.
        node: where to.
        config: from `ssh_config_of`.
        accept_new: trust host keys seen for the first time.

    Raises:
        HadeployError: with what failed (name, reach, host key, login) and what to do about it.
    """
    connection = connection_to(cluster, node, config)
    where = f"{connection.user}@{connection.host}:{connection.port}"
    try:
        check_host_keys(connection, cluster.ssh.known_hosts, accept_new=accept_new)
        connection.open()
    except Exception as error:
        connection.close()
        raise _explained(error, node.label, where, cluster.ssh.connect_timeout) from error
    connection.transport.set_keepalive(KEEPALIVE_SECONDS)
    return Session(
        node=node.label,
        connection=connection,
        sudo=cluster.ssh.sudo == "always"
        or (cluster.ssh.sudo == "auto" and connection.user != "root"),
        silence=cluster.ssh.command_timeout,
    )


def _explained(error: Exception, node: str, where: str, timeout: float) -> HadeployError:
    host = where.rpartition("@")[2].rpartition(":")[0]
    what, hint = f"{type(error).__name__}: {error}", "try: ssh " + where.rpartition(":")[0]
    if isinstance(error, paramiko.BadHostKeyException):
        what = "the host key has CHANGED: this may be another machine, or somebody in between"
        hint = f"if the node was reinstalled, remove the old key: ssh-keygen -R {host}"
    elif isinstance(error, UnknownHostKeyError):
        fingerprint = error.key.fingerprint
        what = f"unknown host key ({error.key.get_name()} {fingerprint}) of {error.host}"
        hint = (
            "connect once with ssh and compare the fingerprint, "
            "or trust it on first use: --accept-new-host-keys"
        )
    elif isinstance(error, paramiko.PasswordRequiredException):
        what = "the private key is encrypted and no agent offers it"
        hint = "load it first: ssh-add"
    elif isinstance(error, paramiko.AuthenticationException):
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
    elif isinstance(error, OSError) and error.strerror:
        what = error.strerror
    return HadeployError(
        what, node=node, doing=f"connecting to {where}", hint=hint, code=ExitCode.UNREACHABLE
    )
