"""Options of an SSH config that a user may rely on and that are not followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hadeploy.inventory.problems import printable

ALWAYS_CHECKED = "host keys are always checked"
KEYS_ONLY = "hadeploy logs in with keys only"


# `ssh -G` prints some options so.
_SPELLING = {"true": "yes", "false": "no"}


def _is_on(value: str) -> bool:
    return value.lower() not in ("no", "false", "none", "")


@dataclass(frozen=True)
class Unsupported:
    """One option.

    Attributes:
        name: as ssh_config(5) writes it.
        reason: why, or what happens instead.
        matters: whether a value asks for something that is not done.
        often_default: distributions set it for all users, so it is told only if the user sets it.
    """

    name: str
    reason: str
    matters: Callable[[str], bool] = _is_on
    often_default: bool = False


# What concerns interactive sessions, forwarding and multiplexing is left out: it has no effect on
# what hadeploy does.
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


def not_followed(said: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Each option that is set and not followed, with the reason.

    Args:
        said: what differs from the defaults, by keyword in lower case.
    """
    return tuple(
        f"{option.name} {printable(_SPELLING.get(value, value))}: {option.reason}"
        for option in UNSUPPORTED
        for value in said.get(option.name.lower(), ())[:1]
        if option.matters(value)
    )


def often_default(said: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The keywords that may have come from the distribution's own config file."""
    return [
        option.name.lower()
        for option in UNSUPPORTED
        if option.often_default and option.name.lower() in said
    ]
