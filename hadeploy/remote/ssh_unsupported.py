"""Options of an SSH config that hadeploy does not support."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hadeploy.inventory.problems import printable

ALWAYS_CHECKED = "host keys are always checked"
KEYS_ONLY = "hadeploy logs in with keys only"


# The spelling of values in `ssh -G` → in ssh_config(5).
_SPELLING = {"true": "yes", "false": "no"}


def _is_on(value: str) -> bool:
    return value.lower() not in ("no", "false", "none", "")


@dataclass(frozen=True)
class Unsupported:
    """One option.

    Attributes:
        name: as in ssh_config(5).
        reason: why it is not supported, or what happens instead.
        matters: whether a value has an effect that hadeploy does not support.
        often_default: distributions set it for all users, so there is a warning only if the user
            sets it.
    """

    name: str
    reason: str
    matters: Callable[[str], bool] = _is_on
    often_default: bool = False


# Options of interactive sessions, forwarding and multiplexing are omitted: they do not concern
# hadeploy.
UNSUPPORTED = (
    Unsupported(
        "StrictHostKeyChecking",
        f"{ALWAYS_CHECKED}; to trust new hosts on first use: --accept-new-host-keys",
        lambda value: value.lower() in ("no", "off", "false", "accept-new"),
    ),
    Unsupported("NoHostAuthenticationForLocalhost", ALWAYS_CHECKED),
    Unsupported("VerifyHostKeyDNS", "host keys are looked up in known_hosts only"),
    Unsupported("KnownHostsCommand", "host keys are looked up in known_hosts only"),
    Unsupported("CheckHostIP", "host keys are looked up by name only", often_default=True),
    Unsupported("PubkeyAuthentication", KEYS_ONLY, lambda value: value.lower() in ("no", "false")),
    Unsupported(
        "PreferredAuthentications", KEYS_ONLY, lambda value: "publickey" not in value.split(",")
    ),
    Unsupported("GSSAPIAuthentication", KEYS_ONLY, often_default=True),
    Unsupported("HostbasedAuthentication", KEYS_ONLY, often_default=True),
    Unsupported("PKCS11Provider", "load its keys into the SSH agent: ssh-add -s"),
    Unsupported(
        "SecurityKeyProvider",
        "load the key into the SSH agent: ssh-add",
        lambda value: value not in ("internal", ""),
    ),
    Unsupported("BindAddress", "the system chooses the source address"),
    Unsupported("BindInterface", "the system chooses the interface"),
    Unsupported(
        "AddressFamily", "the addresses of a name are tried in turn", lambda value: value != "any"
    ),
    Unsupported("PermitLocalCommand", "LocalCommand is not run"),
)


def not_followed(configured: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The unsupported options that are set, each with the reason.

    Args:
        configured: the options that differ from the defaults, by keyword in lower case.
    """
    return tuple(
        f"{option.name} {printable(_SPELLING.get(value, value))}: {option.reason}"
        for option in UNSUPPORTED
        for value in configured.get(option.name.lower(), ())[:1]
        if option.matters(value)
    )


def often_default(configured: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The set options that may be from the config file of the distribution."""
    return [
        option.name.lower()
        for option in UNSUPPORTED
        if option.often_default and option.name.lower() in configured
    ]
