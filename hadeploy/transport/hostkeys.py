"""Host keys are checked, always; fabric's own default is to accept whatever answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import paramiko

from hadeploy.transport.known_hosts import (
    SALT_BYTES,
    Entry,
    KnownHosts,
    Trust,
    hashed,
    parse,
)
from hadeploy.transport.ssh_options import HostOptions

KRL_MAGIC = b"SSHKRL\n\0"
REVOKED_STATUS = 1
KEYGEN_SECONDS = 10


class HostKeyError(paramiko.SSHException):
    """A host key that is not accepted.

    Args:
        host: as known_hosts names it.
        key: the key that the host has shown.
        place: FILE line N of what speaks against it, or "".
    """

    def __init__(self, host: str, key: paramiko.PKey, place: str = "") -> None:
        super().__init__(f"the key of {host} is not accepted")
        self.host = host
        self.key = key
        self.place = place


class UnknownHostKeyError(HostKeyError):
    """A host that no known_hosts file names; `place` names the authority that vouches for it."""


class ChangedHostKeyError(HostKeyError):
    """known_hosts has another key for the host."""


class RevokedHostKeyError(HostKeyError):
    """The key is marked as one that must not be trusted any more."""


class WeakHostKeyError(HostKeyError):
    """An RSA key that is shorter than RequiredRSASize."""


class UncheckedRevocationError(HostKeyError):
    """A RevokedHostKeys file that cannot be read: then no host key counts (ssh_config(5))."""


class HostKeyPolicy(paramiko.MissingHostKeyPolicy):
    """The whole check. The client has no keys of its own, so it calls this for every host.

    Args:
        options: of the host.
        known: what known_hosts files say of it.
        write_to: where to write a key that is seen for the first time; None: it is refused.
        writing: shared by all connections of a run.
        hash_names: whether host names are hashed in that file.
    """

    def __init__(
        self,
        options: HostOptions,
        known: KnownHosts,
        write_to: Path | None,
        writing: threading.Lock,
        *,
        hash_names: bool = False,
    ) -> None:
        self._hash_names = hash_names
        self._options = options
        self._known = known
        self._write_to = write_to
        self._writing = writing

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,  # noqa: ARG002 - the port and the alias belong to it
        key: paramiko.PKey,
    ) -> None:
        """Raise a HostKeyError unless the key is known, or new and accepted."""
        name = self._options.known_as[0]
        refuse_revoked(self._options.revoked, name, key)
        verdict = self._known.verdict(key.asbytes())
        place = verdict.entry.place if verdict.entry else ""
        if verdict.trust is Trust.REVOKED:
            raise RevokedHostKeyError(name, key, place)
        if verdict.trust is Trust.CHANGED:
            raise ChangedHostKeyError(name, key, place)
        if key.get_name() == "ssh-rsa" and key.get_bits() < self._options.minimum_rsa_bits:
            raise WeakHostKeyError(name, key)
        if verdict.trust is Trust.KNOWN:
            return
        if self._write_to is None:
            authority = next(iter(self._known.authorities), None)
            raise UnknownHostKeyError(name, key, authority.place if authority else "")
        names = hashed(name, os.urandom(SALT_BYTES)) if self._hash_names else name
        with self._writing:
            append_key(self._write_to, names, key)


def append_key(file: Path, names: str, key: paramiko.PKey) -> None:
    """Write a key to a known_hosts file, on a line of its own."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a+b") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - 1))
        torn = opened.read(1) not in (b"", b"\n")
        line = f"{names} {key.get_name()} {key.get_base64()}\n"
        opened.write(f"{chr(10) if torn else ''}{line}".encode("utf-8", "surrogateescape"))


def read_known_hosts(files: Sequence[Path], names: Sequence[str]) -> KnownHosts:
    """What known_hosts files say of a host; files that cannot be read say nothing.

    Args:
        files: the user's first.
        names: of the host, the exact one first.
    """
    return KnownHosts.of(_entries(files), names)


def _entries(files: Iterable[Path]) -> list[Entry]:
    entries: list[Entry] = []
    for file in files:
        try:
            entries += parse(file.read_bytes(), file)
        except OSError:
            continue
    return entries


def key_algorithms(known: KnownHosts, algorithms: Sequence[str]) -> tuple[str, ...]:
    """The host key algorithms to offer, those of known keys first, as OpenSSH does.

    Args:
        known: what known_hosts says of the host.
        algorithms: all that may be used, best first.
    """
    types = known.types
    return tuple(sorted(algorithms, key=lambda name: key_type(name) not in types))


def key_type(algorithm: str) -> str:
    """The type of the keys that a signature algorithm is for."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def refuse_revoked(files: Sequence[Path], host: str, key: paramiko.PKey) -> None:
    """Look a key up in RevokedHostKeys files: lists of public keys, or KRLs (ssh-keygen(1)).

    Raises:
        RevokedHostKeyError: one of them has it.
        UncheckedRevocationError: one of them cannot be read.
    """
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UncheckedRevocationError(host, key, str(file)) from error
        if content.startswith(KRL_MAGIC):
            if _in_krl(file, host, key):
                raise RevokedHostKeyError(host, key, str(file))
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            if key.get_base64() in line.split()[:2]:
                raise RevokedHostKeyError(host, key, f"{file} line {number}")


def _in_krl(file: Path, host: str, key: paramiko.PKey) -> bool:
    """Whether a KRL has a key: ssh-keygen reads its format."""
    program = shutil.which("ssh-keygen")
    if not program:
        raise UncheckedRevocationError(host, key, str(file))
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as public:
        public.write(f"{key.get_name()} {key.get_base64()}\n")
        public.flush()
        done = subprocess.run(
            [program, "-Q", "-f", str(file), public.name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=KEYGEN_SECONDS,
            check=False,
        )
    if done.returncode not in (0, REVOKED_STATUS) or (
        done.returncode == REVOKED_STATUS and "REVOKED" not in done.stdout
    ):
        raise UncheckedRevocationError(host, key, str(file))
    return done.returncode == REVOKED_STATUS
