"""Configurations of others in a form that can be shown: every secret in them left out. Pure."""

from __future__ import annotations

import re

REDACTED = "(redacted)"

# Up to the secret, which is the rest of the line, also of a line that was commented out.
_SECRETS = re.compile(
    r"^(.*?(?:\bauth_pass|\bstats\s+auth|\w*(?:password|secret|token)|\bkey"
    r"|\b(?:set|add)-header\s+\S*auth\S*)[ \t]+).*$",
    re.M | re.I,
)


def shown(text: str) -> str:
    """The text without passwords, keys and credentials.

    Args:
        text: of haproxy.cfg or keepalived.conf.
    """
    return _SECRETS.sub(rf"\g<1>{REDACTED}", text)
