"""Host certificates (PROTOCOL.certkeys of OpenSSH), verified as in OpenSSH's client."""

from __future__ import annotations

from dataclasses import dataclass

import paramiko

from hadeploy.remote.known_hosts import matches_pattern

SUFFIX = "-cert-v01@openssh.com"
HOST = 2
MAX_PRINCIPALS = 256

# The number of fields of the public key, by the type of the certificate.
_KEY_FIELDS = {
    f"ssh-ed25519{SUFFIX}": 1,
    f"ssh-rsa{SUFFIX}": 2,
    f"ecdsa-sha2-nistp256{SUFFIX}": 2,
    f"ecdsa-sha2-nistp384{SUFFIX}": 2,
    f"ecdsa-sha2-nistp521{SUFFIX}": 2,
}
# Those CASignatureAlgorithms that paramiko can verify, without SHA-1.
_SIGNATURES = frozenset(
    {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "rsa-sha2-256",
        "rsa-sha2-512",
    }
)


class _Reader:
    """Reads SSH's data types (RFC 4251, section 5); unlike paramiko's, it raises at the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "big")

    def string(self) -> bytes:
        return self._take(self.number(4))

    @property
    def rest(self) -> bytes:
        return self._data[self.place :]

    def _take(self, size: int) -> bytes:
        taken = self._data[self.place : self.place + size]
        if len(taken) != size:
            raise ValueError("truncated")
        self.place += size
        return taken


@dataclass(frozen=True)
class HostCertificate:
    """A parsed certificate.

    Attributes:
        kind: 1 for a user certificate, HOST for a host certificate.
        valid_from, valid_until: seconds since 1970.
        critical: options that a client must support.
        authority: the public key that signed it.
        signed: the signed bytes.
    """

    kind: int
    principals: tuple[str, ...]
    valid_from: int
    valid_until: int
    critical: bytes
    authority: bytes
    signed: bytes
    signature: bytes

    @classmethod
    def parse(cls, blob: bytes) -> HostCertificate:
        """Parse a certificate.

        Raises:
            ValueError: it is no valid certificate.
        """
        reader = _Reader(blob)
        fields = _KEY_FIELDS.get(reader.string().decode("ascii", "replace"))
        if fields is None:
            raise ValueError("unknown type")
        # A nonce and the public key.
        for _ in range(1 + fields):
            reader.string()
        reader.number(8)
        kind = reader.number(4)
        reader.string()
        principals = _Reader(reader.string())
        valid_from, valid_until = reader.number(8), reader.number(8)
        critical = reader.string()
        # Extensions, and a reserved field.
        reader.string()
        reader.string()
        authority = reader.string()
        signed = blob[: reader.place]
        signature = reader.string()
        names: list[str] = []
        while principals.rest and len(names) < MAX_PRINCIPALS:
            names.append(principals.string().decode("utf-8", "surrogateescape"))
        if reader.rest or principals.rest:
            raise ValueError("trailing data")
        return cls(
            kind, tuple(names), valid_from, valid_until, critical, authority, signed, signature
        )

    def invalid(self, name: str, now: float) -> str:
        """Why it does not prove that a host has that name; "" if it does.

        The caller checks whether the authority is trusted.

        Args:
            name: the name of the host, in lower case, without a port.
            now: seconds since 1970.
        """
        # First, because without it the other fields are not authentic.
        if not self._is_signed():
            return "its signature is not valid"
        named = any(matches_pattern(principal, name) for principal in self.principals)
        wrong = {
            "it is not for a host": self.kind != HOST,
            "it is not valid yet": now < self.valid_from,
            "it has expired": now >= self.valid_until,
            f"it is not for {name}": not named,
            "it has critical options": bool(self.critical),
        }
        return next((reason for reason, is_so in wrong.items() if is_so), "")

    def _is_signed(self) -> bool:
        try:
            kind = _Reader(self.authority).string().decode("ascii")
            algorithm = _Reader(self.signature).string().decode("ascii")
            if algorithm not in _SIGNATURES or kind.endswith(SUFFIX):
                return False
            key = paramiko.PKey.from_type_string(kind, self.authority)
            return bool(key.verify_ssh_sig(self.signed, paramiko.Message(self.signature)))
        except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
            return False


def presented_certificate(key: paramiko.PKey) -> bytes | None:
    """The certificate of a server's key; None if the server has sent a plain key."""
    blob = key.public_blob.key_blob if key.public_blob else b""
    return blob if blob and blob != key.asbytes() else None
