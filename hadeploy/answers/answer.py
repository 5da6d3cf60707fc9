"""What a client was answered on an address and a port. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

# The proof of what clients are answered. `up --skip` with this id compares nothing with the answers
# before the change, and records them anew.
PROOF = "vip-answers-clients"
# The same, asked from the machine that runs hadeploy.
PROOF_HERE = "vip-answers-here"

# As lib/answer.sh prints them. `http` without a status is in records of earlier versions: any
# status but 400 and 5xx.
WORD = re.compile(r"tls|alert|http|http/[1-5][0-9][0-9]|other|silent|open|closed|refused|unreached")
# What a server does not understand it calls a bad request.
_BAD_REQUEST = "400"
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
        word: tls; alert (of TLS); http/STATUS (http in records of earlier versions); other; silent
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
        return _NOW[kind] if status[:1] in ("", "2") else f"{_NOW[kind]} with status {status}"

    @property
    def past(self) -> str:
        """The same of what was answered before."""
        verb, _, rest = self.now.partition(" ")
        return f"{_PAST.get(verb, verb)} {rest}"


def read_answer(word: str, first: str = "") -> Answer | None:
    """An answer from a node's words for it; None if it is none."""
    return Answer(word, first) if WORD.fullmatch(word) and first in _FIRST else None


def as_before(now: Answer, before: Collection[Answer]) -> bool:
    """Whether an answer is of a kind that was given before, or better.

    The same as `as_before` in lib/answer.sh.

    Args:
        now: the answer.
        before: what was answered before.
    """
    words = {answer.word for answer in before}
    kind, _, status = now.word.partition("/")
    if kind != "http":
        return kind == "tls" or kind in words
    if "tls" in words:
        return False
    earlier = {word.partition("/")[2] for word in words if word.startswith("http")}
    return any(_status_as_before(status, one) for one in earlier or {""})


def _status_as_before(now: str, before: str) -> bool:
    """The same of two statuses of HTTP; "" stands for one that is not known."""
    if now[:1] in ("", "2"):
        return True
    if before[:1] in ("", "5"):
        return now != _BAD_REQUEST and (now[0] != "5" or before != "")
    return now == before or now[0] == before[0] == "3"
