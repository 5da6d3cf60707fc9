"""Error messages and hints for failed connections."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import paramiko

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.problems import printable
from hadeploy.remote.hostkeys import (
    ChangedHostKeyError,
    HostKeyError,
    RevokedHostKeyError,
    UncheckedRevocationError,
    UnwrittenHostKeyError,
    WeakHostKeyError,
)
from hadeploy.remote.login import (
    DisconnectedError,
    EncryptedKeyError,
    NoKeyError,
    OtherWayError,
    UnprotectedKeyError,
)
from hadeploy.remote.proxy_command import ProxyCommandError
from hadeploy.remote.retry import PermanentError

# Message and hint.
Explanation = tuple[str, str]

# paramiko's errors if a server disconnects before it sends its key: it is starting, or has too many
# pending logins (MaxStartups).
_CLOSED_EARLY = (
    "Error reading SSH protocol banner",
    "Server connection dropped",
    "Connection lost",
    "No existing session",
)


@dataclass(frozen=True)
class Stop:
    """One connection of a route.

    Attributes:
        node: the label of the node at the end of the route.
        where: user@host:port.
        is_jump: whether this is a jump host, and not the node.
        through: user@host:port of the jump host before it, or "".
    """

    node: str
    where: str
    is_jump: bool = False
    through: str = ""

    @property
    def noun(self) -> str:
        """ "jump host" or "node"."""
        return "jump host" if self.is_jump else "node"

    @property
    def operation(self) -> str:
        """The operation, for error messages."""
        return f"connecting to {'jump host ' if self.is_jump else ''}{self.where}"


class LockedKeyError(PermanentError):
    """The login needs the passphrase of a key.

    Args:
        files: the private keys that are encrypted.
        node: the node's label.
        operation: the failed operation.
    """

    def __init__(self, files: Sequence[Path], *, node: str, operation: str) -> None:
        names = ", ".join(str(file) for file in files)
        super().__init__(
            f"the private key is encrypted and no agent offers it: {names}",
            node=node,
            operation=operation,
            hint=f"load it first: ssh-add {' '.join(str(file) for file in files)}",
            code=ExitCode.UNREACHABLE,
            stage="ssh-login",
        )
        self.files = tuple(files)


def explained(
    error: Exception, stop: Stop, timeout: float, *, offered: bool = False
) -> HadeployError:
    """The error for the user; a PermanentError unless another attempt may succeed.

    Args:
        error: the error of fabric, paramiko or the system.
        stop: the connection that failed.
        timeout: the connect timeout in seconds.
        offered: whether a key was offered, because servers count refused logins.
    """
    if isinstance(error, HadeployError):
        return error
    if isinstance(error, EncryptedKeyError):
        return LockedKeyError(error.files, node=stop.node, operation=stop.operation)
    passing = not offered and closed_early(error)
    trust = _about_trust(error) if isinstance(error, HostKeyError) else None
    login = _about_login(error)
    stage = "ssh-host-key" if trust else "ssh-login" if login else "ssh-reach"
    what, hint = (
        trust
        or login
        or _about_ssh_config(error, stop)
        or _about_network(error, timeout, stop)
        or (f"{type(error).__name__}: {error}", "try: ssh " + stop.where.rpartition(":")[0])
    )
    kind = HadeployError if passing else PermanentError
    return kind(
        what,
        node=stop.node,
        operation=stop.operation,
        hint=hint,
        code=ExitCode.UNREACHABLE,
        stage=stage,
    )


def closed_early(error: Exception) -> bool:
    """Whether the server disconnected before the login."""
    if isinstance(error, (EOFError, ConnectionResetError, BrokenPipeError)):
        return True
    return isinstance(error, paramiko.SSHException) and any(w in str(error) for w in _CLOSED_EARLY)


def _about_trust(error: HostKeyError) -> Explanation:
    shown = f"{error.key.get_name()} {error.key.fingerprint}"
    if isinstance(error, ChangedHostKeyError):
        file = error.place.rpartition(" line ")[0]
        remove = f"ssh-keygen -R {shlex.quote(error.host)} -f {shlex.quote(file)}"
        return (
            "the host key has CHANGED: this may be another machine, or an attack "
            f"(it shows {shown}; {error.place} has another)",
            f"if it was reinstalled, remove the old key: {remove}"
            if file
            else "do two machines have this name or address?",
        )
    if isinstance(error, RevokedHostKeyError):
        return (
            f"the host key is REVOKED ({shown}; {error.place})",
            "give the host a new key; a revoked one is never accepted",
        )
    if isinstance(error, UncheckedRevocationError):
        return (
            f"cannot check whether the host key is revoked: cannot read {error.place}",
            "correct RevokedHostKeys in the SSH config (a KRL needs ssh-keygen on this machine)",
        )
    if isinstance(error, UnwrittenHostKeyError):
        return (
            f"cannot write the new host key to {error.place}: {error.reason}",
            "name another file in ssh.known_hosts",
        )
    if isinstance(error, WeakHostKeyError):
        return (
            f"the host key has only {error.key.get_bits()} bits ({shown})",
            "give the host a longer key; the SSH config has RequiredRSASize",
        )
    return _about_unknown_key(error, shown)


def _about_unknown_key(error: HostKeyError, shown: str) -> Explanation:
    unknown = f"unknown host key ({shown}) of {error.host}"
    if error.place:
        return (
            f"{unknown}; {error.place} trusts a certificate authority, but {error.reason}",
            "give the host a certificate of that authority (HostCertificate in sshd_config), or "
            "trust its key on first use: --accept-new-host-keys",
        )
    return (
        unknown,
        "connect once with ssh and compare the fingerprint, "
        "or trust it on first use: --accept-new-host-keys",
    )


def _about_login(error: Exception) -> Explanation | None:
    if isinstance(error, OtherWayError):
        wanted = ", ".join(error.wanted)
        asked = (
            "the key was accepted, but the server also wants"
            if error.after_key
            else ("the server accepts no keys from this user, only")
        )
        return (
            f"{asked} {wanted}, which is interactive",
            "allow this user to log in with a key alone, in the nodes' sshd_config: "
            "Match User NAME, AuthenticationMethods publickey",
        )
    if isinstance(error, DisconnectedError):
        words = f": {error.reason}" if error.reason else ""
        keys = f"{error.offered} key{'s' if error.offered > 1 else ''}"
        return (
            f"the server disconnected after {keys}{words}",
            "its sshd log has the reason; if too many keys were offered, name the right one in "
            "ssh.identity_file, or set IdentitiesOnly in the SSH config",
        )
    return _about_keys(error)


def _about_keys(error: Exception) -> Explanation | None:
    if isinstance(error, UnprotectedKeyError):
        files = [shlex.quote(str(file)) for file in error.files]
        return (
            f"the private key is ignored, because others can read it: {', '.join(files)}",
            f"chmod 600 {' '.join(files)}",
        )
    if isinstance(error, NoKeyError) and error.silent_agent:
        return (
            f"login refused (the SSH agent at {printable(error.silent_agent)} does not answer, and "
            "there is no other key)",
            "restart that agent, or name a key in ssh.identity_file",
        )
    if isinstance(error, NoKeyError):
        return (
            "login refused (there is no key to offer)",
            "name one in ssh.identity_file, or load one into ssh-agent: ssh-add",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return (
            f"login refused ({error})",
            "check ssh.user and ssh.identity_file, or load the key into ssh-agent: ssh-add",
        )
    return None


def _about_ssh_config(error: Exception, stop: Stop) -> Explanation | None:
    if isinstance(error, ProxyCommandError):
        output = f": {error.output}" if error.output else ""
        return (
            f"the ProxyCommand failed ({error.outcome}{output}): {error.command}",
            "run that command in a shell; it is set in the SSH config",
        )
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return (
            f"no common algorithm ({error})",
            "do Ciphers, MACs, KexAlgorithms or HostKeyAlgorithms in the SSH config exclude the "
            f"algorithms of the {stop.noun}? if it has only weak ones, name them there",
        )
    return None


def _about_network(error: Exception, timeout: float, stop: Stop) -> Explanation | None:
    noun = stop.noun
    if isinstance(error, TimeoutError):
        return (
            f"no answer within {timeout:g} s",
            f"is the {noun} up, and does a firewall let SSH through? (ssh.connect_timeout)",
        )
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        reasons = {str(getattr(e, "strerror", None) or e) for e in error.errors.values()}
        return "; ".join(sorted(reasons)), f"is the {noun} up, and does sshd listen there?"
    if closed_early(error):
        return (
            f"no SSH server answers within {timeout:g} s",
            "does sshd listen on that port, and does it accept more logins (MaxStartups)?",
        )
    if isinstance(error, paramiko.ChannelException):
        return (
            f"jump host {stop.through} cannot connect ({error.text})",
            f"does it allow forwarding for this user (AllowTcpForwarding), and is the {noun} up?",
        )
    words = getattr(error, "strerror", None) if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror):
        words, hint = f"the name does not resolve ({words})", "check the spelling, or DNS"
    else:
        hint = f"is the {noun} up, and is there a route to it?"
    return (words, hint) if words else None
