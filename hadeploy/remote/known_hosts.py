"""known_hosts files, read as OpenSSH reads them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

Marker = Literal["", "@cert-authority", "@revoked"]

KEY_TYPES = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
_MARKERS: dict[str, Marker] = {"@cert-authority": "@cert-authority", "@revoked": "@revoked"}
SALT_BYTES = 20


class Trust(Enum):
    """How known_hosts rates the key of a host."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Entry:
    """A line of a known_hosts file.

    Attributes:
        names: patterns, or the hash of a name.
        blob: the public key.
    """

    marker: Marker
    names: str
    type: str
    blob: bytes
    file: Path
    line: int

    @property
    def place(self) -> str:
        """FILE line N."""
        return f"{self.file} line {self.line}"

    def is_for(self, name: str) -> bool:
        """Whether the line is for that host, given in lower case."""
        return _is_about(self.names, name)


@dataclass(frozen=True)
class Verdict:
    """The rating of a key, and the line that decides it."""

    trust: Trust
    entry: Entry | None = None


@dataclass(frozen=True)
class KnownHosts:
    """The lines for one host.

    Attributes:
        exact: the lines for the exact name.
        plain: the lines for the name without its port, which OpenSSH tries next; they can only
            confirm a key.
    """

    exact: tuple[Entry, ...]
    plain: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Entry], names: Sequence[str]) -> KnownHosts:
        """Select the lines for a host.

        Args:
            entries: the lines of all files, in order.
            names: the names of the host, the exact one first.
        """
        lines = list(entries)
        exact, *others = [tuple(line for line in lines if line.is_for(name)) for name in names]
        return cls(exact, *others)

    def verdict(self, blob: bytes) -> Verdict:
        """Rate the key of the host.

        Args:
            blob: a public key, not a certificate.
        """
        for entry in (*self.exact, *self.plain):
            if entry.marker == "@revoked" and entry.blob == blob:
                return Verdict(Trust.REVOKED, entry)
        for entry in (*self.exact, *self.plain):
            if not entry.marker and entry.blob == blob:
                return Verdict(Trust.KNOWN, entry)
        other = next((entry for entry in self.exact if not entry.marker), None)
        return Verdict(Trust.CHANGED, other) if other else Verdict(Trust.UNKNOWN)

    @property
    def types(self) -> frozenset[str]:
        """The types of the known keys of the host."""
        entries = [entry for entry in self.exact if not entry.marker]
        entries = entries or [entry for entry in self.plain if not entry.marker]
        return frozenset(entry.type for entry in entries)

    @property
    def authorities(self) -> tuple[Entry, ...]:
        """The trusted certificate authorities for the host."""
        lines = (*self.exact, *self.plain)
        return tuple(entry for entry in lines if entry.marker == "@cert-authority")

    def authority(self, blob: bytes) -> Entry | None:
        """The line that trusts an authority; None if there is none, or if a line revokes it."""
        lines = (*self.exact, *self.plain)
        if any(entry.marker == "@revoked" and entry.blob == blob for entry in lines):
            return None
        return next((entry for entry in self.authorities if entry.blob == blob), None)


def parse(content: bytes, file: Path, names: Sequence[str]) -> Iterator[Entry]:
    """The lines of a file that are for a host.

    Damaged lines, and keys of unknown types, are skipped.

    Args:
        content: the content of the file.
        file: for messages.
        names: the names of the host; a line for any of them matches.
    """
    text = content.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        words = line.strip(" \t\r").split(None, 4)
        marker: Marker = ""
        if words and words[0].startswith("@"):
            if words[0] not in _MARKERS:
                continue
            marker = _MARKERS[words.pop(0)]
        if len(words) < 3 or words[0].startswith("#") or words[1] not in KEY_TYPES:
            continue
        if not any(_is_about(words[0], name) for name in names):
            continue
        blob = _key(words[1], words[2])
        if blob is not None:
            yield Entry(marker, words[0], words[1], blob, file, number)


def _is_about(names: str, name: str) -> bool:
    return _hash_matches(names, name) if names.startswith("|") else matches(names, name)


def matches(patterns: str, name: str) -> bool:
    """Whether a list of patterns with `*`, `?`, `!` matches (PATTERNS in ssh_config(5))."""
    found = False
    for pattern in patterns.lower().split(","):
        if matches_pattern(pattern.removeprefix("!"), name):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def matches_pattern(pattern: str, name: str) -> bool:
    """Whether one pattern with `*` and `?` matches.

    It takes at most as many steps as the product of the lengths: the pattern may be hostile.
    """
    at = taken = since = 0
    star: int | None = None
    while taken < len(name):
        if at < len(pattern) and pattern[at] == "*":
            star, at, since = at, at + 1, taken
        elif at < len(pattern) and pattern[at] in ("?", name[taken]):
            at, taken = at + 1, taken + 1
        elif star is not None:
            # The last star takes one more.
            since += 1
            at, taken = star + 1, since
        else:
            return False
    return not pattern[at:].strip("*")


def hashed(name: str, salt: bytes) -> str:
    """The hash of a host name, as with HashKnownHosts.

    Args:
        name: in lower case.
        salt: SALT_BYTES random bytes.
    """
    digest = hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def _hash_matches(text: str, name: str) -> bool:
    _, version, salt, *_ = (*text.split("|"), "", "")
    if version != "1":
        return False
    try:
        decoded = base64.b64decode(salt, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(decoded) == SALT_BYTES and hmac.compare_digest(
        hashed(name, decoded).encode(), text.encode("utf-8", "surrogateescape")
    )


def _key(type_: str, text: str) -> bytes | None:
    """The key; None if it is invalid or of another type."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    name = type_.encode()
    begins = len(name).to_bytes(4, "big") + name
    return blob if blob.startswith(begins) and len(blob) > len(begins) else None
