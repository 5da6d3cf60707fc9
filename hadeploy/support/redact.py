"""Removes secrets from texts and documents. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hadeploy.plan.redacted_diff import NAMED, REDACTED, secrets_in, shown

# A shorter secret may be a part of a word, so it is replaced only as a whole word.
MIN_PART_LENGTH = 6
# Secrets outside of configurations, such as URLs with a login and HTTP headers.
_NAMED = re.compile(NAMED + r"\S", re.I)
_LOGIN = re.compile(r"(\w://[^/\s:@]*:)[^/\s@]+(@)")
_BEARER = re.compile(r"\b(Bearer|Basic)[ \t]+[\w.+/=~-]{6,}", re.I)
_COMMAND = re.compile(r"\bcmd:.*")
_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
)
# Every text that a pattern changes contains one of these words; most log lines contain none, which
# saves time.
_SUSPECT = re.compile(r"pass|secret|token|key|auth|cookie|curl|cmd:|://|bearer|basic", re.I)


class Redactor:
    """Replaces secrets in any text.

    Args:
        known: the secrets; "" is ignored.
    """

    def __init__(self, known: Iterable[str]) -> None:
        # The longest first: a secret may be a part of another.
        ordered = sorted({word for word in known if word}, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Redact a text, such as a configuration or a log."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        if not _SUSPECT.search(text):
            return text
        text = _KEY.sub(rf"\1{REDACTED}\2", shown(text))
        text = _COMMAND.sub(f"cmd:{REDACTED}", text)
        return _BEARER.sub(rf"\1 {REDACTED}", _LOGIN.sub(rf"\1{REDACTED}\2", text))

    def document(self, document: Any) -> Any:
        """Redact all texts in a JSON document; of environment variables, only the names remain."""
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
    return quoted if len(word) >= MIN_PART_LENGTH else rf"(?<!\w){quoted}(?!\w)"


def found_in(configuration: str) -> list[str]:
    """The secrets in a configuration file of haproxy or keepalived, as they are written there."""
    found = []
    for value in secrets_in(configuration):
        plain = value.strip().strip("\"'")
        found += [plain, *plain.split(":", 1)[1:], *plain.split()]
    return found
