"""Host certificates (PROTOCOL.certkeys of OpenSSH), checked as OpenSSH's client does."""

from __future__ import annotations

from dataclasses import dataclass

import paramiko

from hadeploy.remote.known_hosts import matches_pattern

SUFFIX = "-cert-v01@openssh.com"
HOST = 2
MOST_PRINCIPALS = 256

# How many fields a public key has, by the type of its certificate.
_KEY_FIELDS = {
    f"ssh-ed25519{SUFFIX}": 1,
    f"ssh-rsa{SUFFIX}": 2,
    f"ecdsa-sha2-nistp256{SUFFIX}": 2,
    f"ecdsa-sha2-nistp384{SUFFIX}": 2,
    f"ecdsa-sha2-nistp521{SUFFIX}": 2,
}
# CASignatureAlgorithms, as far as paramiko verifies them; SHA-1 is not among them.
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
    """SSH's data types (RFC 4251, section 5); unlike paramiko's, it does not read past the end."""

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
            raise ValueError("cut short")
        self.place += size
        return taken


@dataclass(frozen=True)
class HostCertificate:
    """What a certificate says.

    Attributes:
        kind: 1 for a user's, HOST for a host's.
        valid_from, valid_until: seconds since 1970.
        critical: options that must be understood.
        authority: the public key that signed it.
        signed: what the signature is of.
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
        """Read a certificate.

        Raises:
            ValueError: it is none.
        """
        reader = _Reader(blob)
        fields = _KEY_FIELDS.get(reader.string().decode("ascii", "replace"))
        if fields is None:
            raise ValueError("of an unknown type")
        # A nonce and the public key.
        for _ in range(1 + fields):
            reader.string()
        reader.number(8)
        kind = reader.number(4)
        reader.string()
        principals = _Reader(reader.string())
        valid_from, valid_until = reader.number(8), reader.number(8)
        critical = reader.string()
        # Extensions, and what is reserved.
        reader.string()
        reader.string()
        authority = reader.string()
        signed = blob[: reader.place]
        signature = reader.string()
        names: list[str] = []
        while principals.rest and len(names) < MOST_PRINCIPALS:
            names.append(principals.string().decode("utf-8", "surrogateescape"))
        if reader.rest or principals.rest:
            raise ValueError("longer than it says")
        return cls(
            kind, tuple(names), valid_from, valid_until, critical, authority, signed, signature
        )

    def invalid(self, name: str, now: float) -> str:
        """Why it does not prove that a host has that name; "" if it does.

        Whether its authority is trusted is another question.

        Args:
            name: of the host, in lower case, without a port.
            now: seconds since 1970.
        """
        # First: until then anybody may have written the rest.
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
    """The certificate that a server has shown with its key; None if it has shown the key alone."""
    blob = key.public_blob.key_blob if key.public_blob else b""
    return blob if blob and blob != key.asbytes() else None
