"""What a client was answered on an address and a port. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

# As shell/answer.sh prints them. `http` is any status but 400 and those of a failing server, which
# are told with it: what a server does not understand it calls a bad request.
WORD = re.compile(
    r"tls|alert|http|http/(400|5[0-9][0-9])|other|silent|open|closed|refused|unreached"
)
_FIRST = ("", "closed")
_UNREACHED = ("refused", "unreached")
_NOW = {
    "tls": "answers TLS",
    "alert": "answers with a TLS alert",
    "http": "answers HTTP",
    "other": "answers neither TLS nor HTTP",
    "silent": "says nothing",
    "open": "closes the connection of a TLS client",
    "closed": "closes every connection at once",
    "refused": "refuses connections",
    "unreached": "cannot be reached",
}
_PAST = {"answers": "answered", "says": "said", "closes": "closed", "refuses": "refused"}


@dataclass(frozen=True)
class Answer:
    """What a client was answered.

    Attributes:
        word: tls; alert (of TLS); http, or http/STATUS where it is 400 or 5xx; other; silent
            (nothing was said within 2 s); open (it was closed when TLS was spoken, not before);
            closed (at once); refused or unreached (no connection opened).
        first: closed, if that was the answer on another connection before; or "".
    """

    word: str
    first: str = field(default="", compare=False)

    @property
    def reached(self) -> bool:
        """Whether a connection opened."""
        return self.word not in _UNREACHED

    @property
    def closed(self) -> bool:
        """Whether it was closed at once, as haproxy does that has no server for a client."""
        return self.word == "closed"

    @property
    def tls(self) -> bool:
        """Whether TLS was spoken."""
        return self.word in ("tls", "alert")

    @property
    def now(self) -> str:
        """For people: follows what was asked."""
        kind, _, status = self.word.partition("/")
        return f"{_NOW[kind]} with status {status}" if status else _NOW[kind]

    @property
    def past(self) -> str:
        """The same of what was answered before."""
        verb, _, rest = self.now.partition(" ")
        return f"{_PAST.get(verb, verb)} {rest}"


def read_answer(word: str, first: str = "") -> Answer | None:
    """An answer from a node's words for it; None if it is none."""
    return Answer(word, first) if WORD.fullmatch(word) and first in _FIRST else None


def as_before(now: Answer, before: Collection[Answer]) -> bool:
    """Whether an answer is of a kind that was given before, or better (as shell/answer.sh has it).

    Args:
        now: the answer.
        before: what was answered before.
    """
    words = {answer.word.partition("/")[0] for answer in before}
    if now.word == "http":
        return "tls" not in words
    return now.word == "tls" or now in before or ("/" in now.word and "http/" in _prefixes(before))


def _prefixes(answers: Collection[Answer]) -> set[str]:
    return {"http/" for answer in answers if "/" in answer.word}
