"""Texts and documents without secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hadeploy.plan.redacted_diff import NAMED, REDACTED, secrets_in, shown

# What is shorter may be a part of any word.
LONG = 6
# Where no configuration's grammar tells: URLs with a login, HTTP.
_NAMED = re.compile(NAMED + r"\S", re.I)
_LOGIN = re.compile(r"(\w://[^/\s:@]*:)[^/\s@]+(@)")
_BEARER = re.compile(r"\b(Bearer|Basic)[ \t]+[\w.+/=~-]{6,}", re.I)
_COMMAND = re.compile(r"\bcmd:.*")
_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
)
# One of these is in every text that any of the patterns takes something out of; most lines of a log
# have none.
_SUSPECT = re.compile(r"pass|secret|token|key|auth|cookie|curl|cmd:|://|bearer|basic", re.I)


class Redactor:
    """Takes secrets out, wherever they turn up.

    Args:
        known: the secrets themselves; "" is none.
    """

    def __init__(self, known: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        ordered = sorted({word for word in known if word}, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """A text of several lines, as of a configuration or a log."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        if not _SUSPECT.search(text):
            return text
        text = _KEY.sub(rf"\1{REDACTED}\2", shown(text))
        text = _COMMAND.sub(f"cmd:{REDACTED}", text)
        return _BEARER.sub(rf"\1 {REDACTED}", _LOGIN.sub(rf"\1{REDACTED}\2", text))

    def document(self, document: Any) -> Any:
        """The same of every text in a JSON document; of environments, the names alone are kept."""
        if isinstance(document, str):
            return self.text(document)
        if isinstance(document, list):
            return [self.document(item) for item in document]
        if isinstance(document, dict):
            return {key: self._field(key, value) for key, value in document.items()}
        return document

    def _field(self, key: str, value: Any) -> Any:
        if key == "Env" and isinstance(value, list):
            return [f"{str(line).partition('=')[0]}={REDACTED}" for line in value]
        secret = isinstance(value, str) and _NAMED.search(f"{key}={value}")
        return REDACTED if secret else self.document(value)


def _pattern(word: str) -> str:
    quoted = re.escape(word)
    return quoted if len(word) >= LONG else rf"(?<!\w){quoted}(?!\w)"


def found_in(configuration: str) -> list[str]:
    """The secrets that a configuration of haproxy or keepalived holds, as they are written there.

    Args:
        configuration: the whole file.
    """
    found = []
    for value in secrets_in(configuration):
        plain = value.strip().strip("\"'")
        found += [plain, *plain.split(":", 1)[1:], *plain.split()]
    return found
