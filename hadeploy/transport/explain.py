"""What went wrong with a connection, in words, and what to do about it."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import paramiko

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.transport.hostkeys import UnknownHostKeyError
from hadeploy.transport.login import EncryptedKeyError, NoKeyError, OtherWayError
from hadeploy.transport.retry import DoNotRetryError

Told = tuple[str, str]

# What paramiko says when a server closes before it has shown its own key: one that is starting, or
# that has too many who are logging in (MaxStartups).
_CLOSED_EARLY = (
    "Error reading SSH protocol banner",
    "Server connection dropped",
    "Connection lost",
    "No existing session",
)


class LockedKeyError(DoNotRetryError):
    """A login that needs the passphrase of a key.

    Args:
        files: the private keys that are encrypted.
        node: the node's label.
        doing: what was being done.
    """

    def __init__(self, files: Sequence[Path], *, node: str, doing: str) -> None:
        names = ", ".join(str(file) for file in files)
        super().__init__(
            f"the private key is encrypted and no agent offers it: {names}",
            node=node,
            doing=doing,
            hint=f"load it first: ssh-add {' '.join(str(file) for file in files)}",
            code=ExitCode.UNREACHABLE,
            stage="ssh-login",
        )
        self.files = tuple(files)


def explained(
    error: Exception, node: str, where: str, timeout: float, *, offered: bool = False
) -> HadeployError:
    """The error to be told; a DoNotRetryError unless another attempt may end better.

    Args:
        error: what came from below.
        node: the node's label.
        where: user@host:port, of the node or of a jump host before it.
        timeout: seconds that connecting may take.
        offered: whether a key was offered: servers count refused logins.
    """
    doing = f"connecting to {where}"
    if isinstance(error, HadeployError):
        return error
    if isinstance(error, EncryptedKeyError):
        return LockedKeyError(error.files, node=node, doing=doing)
    passing = not offered and closed_early(error)
    trust, login = _about_trust(error, where), _about_login(error)
    stage = "ssh-host-key" if trust else "ssh-login" if login else "ssh-reach"
    what, hint = (
        trust
        or login
        or _about_network(error, timeout)
        or (f"{type(error).__name__}: {error}", "try: ssh " + where.rpartition(":")[0])
    )
    kind = HadeployError if passing else DoNotRetryError
    return kind(what, node=node, doing=doing, hint=hint, code=ExitCode.UNREACHABLE, stage=stage)


def closed_early(error: Exception) -> bool:
    """Whether the server hung up before anything was asked of it."""
    if isinstance(error, (EOFError, ConnectionResetError, BrokenPipeError)):
        return True
    return isinstance(error, paramiko.SSHException) and any(w in str(error) for w in _CLOSED_EARLY)


def _about_trust(error: Exception, where: str) -> Told | None:
    host = where.rpartition("@")[2].rpartition(":")[0]
    if isinstance(error, paramiko.BadHostKeyException):
        return (
            "the host key has CHANGED: this may be another machine, or somebody in between",
            f"if the node was reinstalled, remove the old key: ssh-keygen -R {host}",
        )
    if isinstance(error, UnknownHostKeyError):
        return (
            f"unknown host key ({error.key.get_name()} {error.key.fingerprint}) of {error.host}",
            "connect once with ssh and compare the fingerprint, "
            "or trust it on first use: --accept-new-host-keys",
        )
    return None


def _about_login(error: Exception) -> Told | None:
    if isinstance(error, OtherWayError):
        wanted = ", ".join(error.wanted)
        asked = (
            "the key was accepted, but the server also wants"
            if error.after_key
            else ("the server takes no keys from this user, only")
        )
        return (
            f"{asked} {wanted}, which needs a person for every login",
            "let this user in with a key alone, on the nodes' sshd: "
            "Match User NAME, AuthenticationMethods publickey",
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


def _about_network(error: Exception, timeout: float) -> Told | None:
    if isinstance(error, TimeoutError):
        return (
            f"no answer within {timeout:g} s",
            "is the node up, and does a firewall let SSH through? (ssh.connect_timeout)",
        )
    if isinstance(error, paramiko.ssh_exception.NoValidConnectionsError):
        reasons = {str(getattr(e, "strerror", None) or e) for e in error.errors.values()}
        return "; ".join(sorted(reasons)), "is the node up, and does sshd listen there?"
    if closed_early(error):
        return (
            f"no SSH server answers within {timeout:g} s",
            "does sshd listen on that port, and has it room for more logins (MaxStartups)?",
        )
    if isinstance(error, paramiko.ChannelException):
        return (
            f"the jump host before it does not get through ({error.text})",
            "may that user forward connections there (AllowTcpForwarding), and is the node up?",
        )
    words = getattr(error, "strerror", None) if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror):
        words, hint = f"the name does not resolve ({words})", "check the spelling, or DNS"
    else:
        hint = "is the node up, and is there a route to it?"
    return (words, hint) if words else None
