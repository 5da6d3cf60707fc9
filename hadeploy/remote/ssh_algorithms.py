"""The ciphers, MACs, key exchanges and key types to offer to a server."""

from __future__ import annotations

from collections.abc import Mapping

# Option → paramiko's name for its algorithms.
_ALGORITHMS = {
    "KexAlgorithms": "kex",
    "Ciphers": "ciphers",
    "MACs": "macs",
    "HostKeyAlgorithms": "keys",
    "PubkeyAcceptedAlgorithms": "pubkeys",
    "PubkeyAcceptedKeyTypes": "pubkeys",
}
# Algorithms that paramiko offers by default, and OpenSSH's client does not.
_WEAK = {
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "macs": ("hmac-sha1", "hmac-sha1-96", "hmac-md5", "hmac-md5-96"),
    "kex": (
        *("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1"),
        "diffie-hellman-group-exchange-sha1",
    ),
    "keys": ("ssh-rsa", "ssh-dss"),
    "pubkeys": ("ssh-rsa", "ssh-dss"),
}
# Old name → new name of the same algorithm.
_ALIASES = {"curve25519-sha256@libssh.org": "curve25519-sha256"}


def disabled_algorithms(
    configured: Mapping[str, tuple[str, ...]],
) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...]]:
    """The algorithms to disable, and warnings for options without a supported algorithm.

    Disabled are those that an option of the config excludes, and without the option the weak ones.

    Args:
        configured: the options in the config, by keyword in lower case.
    """
    disabled = dict(_WEAK)
    unusable: list[str] = []
    for name, kind in _ALGORITHMS.items():
        if name.lower() not in configured:
            continue
        import paramiko  # noqa: PLC0415 - most configs have no such option

        allowed = set(configured[name.lower()][0].split(","))
        ours: tuple[str, ...] = getattr(paramiko.Transport, f"_preferred_{kind}")
        others = tuple(one for one in ours if not {one, *_also_named(one)} & allowed)
        if len(others) == len(ours):
            unusable.append(f"{name}: none of its algorithms is supported")
        else:
            disabled[kind] = others
    return tuple(disabled.items()), tuple(unusable)


def _also_named(algorithm: str) -> tuple[str, ...]:
    """Its other names in OpenSSH's lists: the new name, and the name for certificates."""
    return (_ALIASES.get(algorithm, algorithm), f"{algorithm}-cert-v01@openssh.com")
