"""Login with keys from files, with certificates, and from the agent; never interactive.

paramiko's own login would prompt on the terminal, from several threads at once, if a server wants
more than a key, and it does not distinguish an encrypted key from a refused one.
"""

from __future__ import annotations

import base64
import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko

from hadeploy.remote.agent import agent_keys

# Permissions of the group and of all others.
OTHERS = 0o077
KINDS: tuple[type[paramiko.PKey], ...] = (
    paramiko.Ed25519Key,
    paramiko.ECDSAKey,
    paramiko.RSAKey,
)


class EncryptedKeyError(paramiko.AuthenticationException):
    """No other key was accepted, and encrypted keys could not be tried.

    Args:
        files: private keys that are encrypted and that no agent offers.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__("encrypted")
        self.files = tuple(files)


class UnprotectedKeyError(paramiko.AuthenticationException):
    """No other key was accepted, and keys that others can read are ignored.

    Args:
        files: private keys that others can read.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        super().__init__("unprotected")
        self.files = tuple(files)


class OtherWayError(paramiko.AuthenticationException):
    """The server requires an interactive method.

    Args:
        wanted: the methods that it offers.
        after_key: whether it accepted the key and also requires such a method.
    """

    def __init__(self, wanted: Sequence[str], *, after_key: bool) -> None:
        super().__init__(", ".join(wanted))
        self.wanted = tuple(wanted)
        self.after_key = after_key


class DisconnectedError(paramiko.AuthenticationException):
    """The server disconnected while keys were offered: it has a limit (MaxAuthTries).

    Args:
        offered: the number of keys that were offered.
        reason: the message of the server, for display.
    """

    def __init__(self, offered: int, reason: str) -> None:
        super().__init__(reason)
        self.offered = offered
        self.reason = reason


class NoKeyError(paramiko.AuthenticationException):
    """There was no key to offer.

    Args:
        silent_agent: the socket of an agent that does not answer, or "".
    """

    def __init__(self, silent_agent: str = "") -> None:
        super().__init__("no key")
        self.silent_agent = silent_agent


@dataclass
class Login:
    """One attempt to log in; paramiko calls `authenticate`.

    Attributes:
        user: the login name.
        files: private keys, or public ones for keys that only the agent has, the best first.
        certificates: additional certificates, besides KEY-cert.pub files.
        unlocked: keys whose passphrase was given, by file.
        agent: the socket of the SSH agent; None for no agent.
        timeout: seconds that each answer of the agent may take.
        insist: whether the files come before the keys of the agent.
        only: whether only those keys of the agent are offered that `files` names.
        begun: whether a key was offered; servers count the offers.
    """

    user: str
    files: Sequence[Path]
    certificates: Sequence[Path]
    unlocked: Mapping[Path, paramiko.PKey]
    agent: str | None
    insist: bool
    only: bool
    timeout: float = 10.0
    begun: bool = False
    encrypted: list[Path] = field(default_factory=list)
    unprotected: list[Path] = field(default_factory=list)

    def authenticate(self, transport: paramiko.Transport) -> list[str]:
        """Offer one key after the other.

        Raises:
            AuthenticationException: no key was accepted; the class states the reason, if known.
        """
        offered: set[bytes] = set()
        with agent_keys(self.agent, self.timeout) as (held, answers):
            for key in self._keys(held):
                blob = key.public_blob.key_blob if key.public_blob else key.asbytes()
                if blob in offered:
                    continue
                offered.add(blob)
                try:
                    if self._offer(transport, key):
                        return []
                except (paramiko.SSHException, EOFError) as error:
                    if transport.is_active() or isinstance(error, OtherWayError):
                        raise
                    reason = getattr(transport, "disconnect_reason", "")
                    raise DisconnectedError(len(offered), reason) from error
        if self.encrypted:
            raise EncryptedKeyError(self.encrypted)
        if self.unprotected:
            raise UnprotectedKeyError(self.unprotected)
        if not offered:
            raise NoKeyError("" if answers else self.agent or "")
        raise paramiko.AuthenticationException("no key was accepted")

    def _offer(self, transport: paramiko.Transport, key: paramiko.PKey) -> bool:
        self.begun = True
        try:
            # paramiko encodes text as UTF-8; a name in an SSH config may be other bytes.
            name: Any = self.user.encode("utf-8", "surrogateescape")
            further = transport.auth_publickey(name, key)
        except paramiko.BadAuthenticationType as error:
            raise OtherWayError(error.allowed_types, after_key=False) from error
        except paramiko.AuthenticationException:
            if not transport.is_active():
                raise
            return False
        except paramiko.SSHException:
            # The key cannot sign: the agent is locked, or its user has denied the request.
            if not transport.is_active():
                raise
            return False
        if further:
            raise OtherWayError(further, after_key=True)
        return True

    def _keys(self, held: Sequence[paramiko.AgentKey]) -> Iterator[paramiko.PKey]:
        if not self.insist and not self.only:
            yield from self._certified(held)
        for file in self.files:
            yield from self._of_file(file, held)
        if self.insist and not self.only:
            yield from self._certified(held)

    def _certified(self, held: Sequence[paramiko.AgentKey]) -> Iterator[paramiko.PKey]:
        """The keys of the agent, each after its certificates."""
        for key in held:
            for certificate in self.certificates:
                if signed := with_certificate(key, certificate):
                    yield signed
            yield key

    def _of_file(self, file: Path, held: Sequence[paramiko.AgentKey]) -> Iterator[paramiko.PKey]:
        if is_unprotected(file):
            self.unprotected.append(file)
            return
        try:
            key = self.unlocked.get(file) or load_key(file)
        except (OSError, paramiko.PasswordRequiredException):
            key = None
        if key is None:
            # If only the agent has the private key, the file may be a public key.
            public = public_parts(file)
            mine = [one for one in held if one.asbytes() in public]
            yield from self._certified(mine)
            if not mine and file.suffix != ".pub" and file.is_file():
                self.encrypted.append(file)
            return
        for certificate in (file.with_name(f"{file.name}-cert.pub"), *self.certificates):
            if signed := with_certificate(key, certificate):
                yield signed
        yield key


def is_unprotected(file: Path) -> bool:
    """Whether it is a private key of this user that others can read; ssh ignores such keys."""
    try:
        status = file.stat()
        opened = status.st_uid == os.getuid() and status.st_mode & OTHERS
        return bool(opened) and b"PRIVATE KEY-----" in file.read_bytes()
    except OSError:
        return False


def load_key(file: Path, passphrase: str | None = None) -> paramiko.PKey | None:
    """A private key from a file; None if it is a public key, or of a type that only agents support.

    Raises:
        PasswordRequiredException: it is encrypted.
        OSError: it cannot be read.
    """
    for kind in KINDS:
        try:
            return kind.from_private_key_file(str(file), passphrase)
        except paramiko.PasswordRequiredException:
            raise
        except (paramiko.SSHException, ValueError, IndexError, TypeError):
            # Another type, or a wrong passphrase: paramiko does not distinguish them.
            continue
    return None


def with_certificate(key: paramiko.PKey, certificate: Path) -> paramiko.PKey | None:
    """The key with its certificate; None if the certificate is unreadable or for another key."""
    if isinstance(key, paramiko.AgentKey):
        # It cannot be copied.
        signed: paramiko.PKey = paramiko.AgentKey(key.agent, key.blob, key.comment)
    else:
        signed = copy.copy(key)
    try:
        signed.load_certificate(str(certificate))
    except (OSError, ValueError, paramiko.SSHException):
        return None
    # A certificate begins with its type and a nonce; then follows the content of the public key.
    content = paramiko.Message(key.asbytes())
    content.get_string()
    blob = signed.public_blob.key_blob if signed.public_blob else b""
    return signed if content.get_remainder() in blob else None


def public_parts(file: Path) -> list[bytes]:
    """The public key and the certificate of a key file, in the form of the agent.

    Args:
        file: the private key, or a public key.
    """
    found = []
    for candidate in (file, file.with_name(f"{file.name}.pub"), Path(f"{file}-cert.pub")):
        try:
            words = candidate.read_text("ascii").split()
            if len(words) > 1 and not words[0].startswith("-"):
                found.append(base64.b64decode(words[1], validate=True))
        except (OSError, ValueError):
            continue
    if (own := _public_inside(file)) is not None:
        found.append(own)
    return found


def _public_inside(file: Path) -> bytes | None:
    """The public key in an encrypted key file of OpenSSH's format, where it is not encrypted."""
    try:
        lines = file.read_text("ascii").strip().splitlines()
        if not lines or "BEGIN OPENSSH PRIVATE KEY" not in lines[0]:
            return None
        message = paramiko.Message(base64.b64decode("".join(lines[1:-1])).split(b"\0", 1)[1])
        # Cipher, key derivation and its options, and the number of keys.
        for _ in range(3):
            message.get_string()
        message.get_int()
        return bytes(message.get_string())
    except (OSError, ValueError, IndexError):
        return None
