"""Checks host keys, always; the default of fabric is to accept any key."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from hadeploy.remote.host_certificates import (
    SUFFIX,
    HostCertificate,
    presented_certificate,
)
from hadeploy.remote.known_hosts import (
    SALT_BYTES,
    Entry,
    KnownHosts,
    Trust,
    hashed,
    parse,
)
from hadeploy.remote.ssh_options import HostOptions

KRL_MAGIC = b"SSHKRL\n\0"
REVOKED_STATUS = 1
KEYGEN_SECONDS = 10


class HostKeyError(paramiko.SSHException):
    """A host key that is not accepted.

    Args:
        host: the name in known_hosts.
        key: the key of the host.
        place: FILE line N of the conflicting entry, or "".
        reason: why the certificate of the host is invalid, or "".
    """

    def __init__(self, host: str, key: paramiko.PKey, place: str = "", *, reason: str = "") -> None:
        super().__init__(f"the key of {host} is not accepted")
        self.host = host
        self.key = key
        self.place = place
        self.reason = reason


class UnknownHostKeyError(HostKeyError):
    """No known_hosts file has the host; `place` names the authority for its certificates."""


class ChangedHostKeyError(HostKeyError):
    """known_hosts has another key for the host."""


class RevokedHostKeyError(HostKeyError):
    """The key is marked as revoked."""


class WeakHostKeyError(HostKeyError):
    """An RSA key that is shorter than RequiredRSASize."""


class UnwrittenHostKeyError(HostKeyError):
    """A new key cannot be written to known_hosts; `reason` is the error."""


class UncheckedRevocationError(HostKeyError):
    """A RevokedHostKeys file cannot be read: then no host key is accepted (ssh_config(5))."""


@dataclass(frozen=True)
class NewKeys:
    """The new keys that a run has accepted, shared by all its connections.

    The known_hosts file may not keep them: it may be /dev/null, or another program may write it.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    accepted: dict[str, bytes] = field(default_factory=dict)

    def refuse_another(self, host: str, key: paramiko.PKey) -> None:
        """Remember the key of a host; the caller holds the lock.

        Raises:
            ChangedHostKeyError: another one was accepted in this run.
        """
        if self.accepted.setdefault(host, key.asbytes()) != key.asbytes():
            raise ChangedHostKeyError(host, key, "an earlier connection of this run")


class HostKeyPolicy(paramiko.MissingHostKeyPolicy):
    """The complete check. The client has no known keys, so it calls this for every host.

    Args:
        options: the SSH options of the host.
        known: its entries in known_hosts files.
        write_to: the file for new keys; None: new keys are refused.
        new: shared by all connections of a run.
        hash_names: whether host names are hashed in that file.
    """

    def __init__(
        self,
        options: HostOptions,
        known: KnownHosts,
        write_to: Path | None,
        new: NewKeys,
        *,
        hash_names: bool = False,
    ) -> None:
        self._hash_names = hash_names
        self._options = options
        self._known = known
        self._write_to = write_to
        self._new = new

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,  # noqa: ARG002 - it lacks the port and the alias
        key: paramiko.PKey,
    ) -> None:
        """Raise a HostKeyError unless the key is known, or new and accepted."""
        name = self._options.known_as[0]
        refuse_revoked(self._options.revoked, name, key)
        verdict = self._known.verdict(key.asbytes())
        place = verdict.entry.place if verdict.entry else ""
        if verdict.trust is Trust.REVOKED:
            raise RevokedHostKeyError(name, key, place)
        if key.get_name() == "ssh-rsa" and key.get_bits() < self._options.minimum_rsa_bits:
            raise WeakHostKeyError(name, key)
        if verdict.trust is Trust.KNOWN:
            return
        invalid = self._certificate_problem(key)
        if not invalid:
            return
        if verdict.trust is Trust.CHANGED:
            raise ChangedHostKeyError(name, key, place)
        if self._write_to is None:
            authority = next(iter(self._known.authorities), None)
            place = authority.place if authority else ""
            raise UnknownHostKeyError(name, key, place, reason=invalid if authority else "")
        names = hashed(name, os.urandom(SALT_BYTES)) if self._hash_names else name
        with self._new.lock:
            # Another connection of this run may have the same host, such as a jump host.
            known = read_known_hosts([self._write_to], self._options.known_as)
            now = known.verdict(key.asbytes())
            if now.trust is Trust.CHANGED:
                raise ChangedHostKeyError(name, key, now.entry.place if now.entry else "")
            self._new.refuse_another(name, key)
            if now.trust is Trust.UNKNOWN:
                _write(self._write_to, names, name, key)

    def _certificate_problem(self, key: paramiko.PKey) -> str:
        """Why no certificate proves the key; "" if one does."""
        blob = presented_certificate(key)
        if blob is None:
            return "the host shows no certificate"
        try:
            certificate = HostCertificate.parse(blob)
        except ValueError as error:
            return f"cannot read its certificate: {error}"
        if self._known.authority(certificate.authority) is None:
            return "its certificate is from another authority, or a revoked one"
        invalid = certificate.invalid(self._options.certified_as, time.time())
        return f"its certificate is not valid: {invalid}" if invalid else ""


def _write(file: Path, names: str, host: str, key: paramiko.PKey) -> None:
    try:
        append_key(file, names, key)
    except OSError as error:
        raise UnwrittenHostKeyError(
            host, key, str(file), reason=error.strerror or str(error)
        ) from error


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
    """The entries of a host in known_hosts files; unreadable files are skipped.

    Args:
        files: the files of the user first.
        names: the names of the host, the exact one first.
    """
    return KnownHosts.of(_entries(files, names), names)


def _entries(files: Iterable[Path], names: Sequence[str]) -> list[Entry]:
    entries: list[Entry] = []
    for file in files:
        try:
            entries += parse(file.read_bytes(), file, names)
        except OSError:
            continue
    return entries


def key_algorithms(known: KnownHosts, algorithms: Sequence[str]) -> tuple[str, ...]:
    """The host key algorithms to offer, those of known keys first, as in OpenSSH.

    Certificates come first, but only if an authority is trusted.

    Args:
        known: the entries of the host in known_hosts.
        algorithms: all allowed algorithms, the best first.
    """
    types = known.types
    certificates = [name for name in algorithms if name.endswith(SUFFIX)]
    plain = [name for name in algorithms if not name.endswith(SUFFIX)]
    plain.sort(key=lambda name: key_type(name) not in types)
    return (*(certificates if known.authorities else ()), *plain)


def key_type(algorithm: str) -> str:
    """The key type of a signature algorithm."""
    return "ssh-rsa" if algorithm.startswith("rsa-sha2-") else algorithm


def refuse_revoked(files: Sequence[Path], host: str, key: paramiko.PKey) -> None:
    """Look a key up in RevokedHostKeys files: lists of public keys, or KRLs (ssh-keygen(1)).

    A certificate is revoked by its key, its authority or its serial number.

    Raises:
        RevokedHostKeyError: a file contains the key.
        UncheckedRevocationError: a file cannot be read.
    """
    if not files:
        return
    blob = presented_certificate(key)
    keys = {key.get_base64(), *_authority_of(blob)}
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise UncheckedRevocationError(host, key, str(file)) from error
        if content.startswith(KRL_MAGIC):
            if _in_krl(file, host, key, blob or key.asbytes()):
                raise RevokedHostKeyError(host, key, str(file))
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
            if keys & set(line.split()[:2]):
                raise RevokedHostKeyError(host, key, f"{file} line {number}")


def _authority_of(certificate: bytes | None) -> list[str]:
    """The key that signed a certificate, in base64; empty without a certificate."""
    try:
        authority = HostCertificate.parse(certificate or b"").authority
    except ValueError:
        return []
    return [base64.b64encode(authority).decode()]


def _in_krl(file: Path, host: str, key: paramiko.PKey, blob: bytes) -> bool:
    """Whether a KRL contains a key, according to ssh-keygen."""
    program = shutil.which("ssh-keygen")
    if not program:
        raise UncheckedRevocationError(host, key, str(file))
    with tempfile.NamedTemporaryFile("w", suffix=".pub") as public:
        kind = paramiko.Message(blob).get_text()
        public.write(f"{kind} {base64.b64encode(blob).decode()}\n")
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
