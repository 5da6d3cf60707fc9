"""The answer of a server to a client. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

# The proof that compares answers to clients with those before a change. `up --skip` with this id
# skips the comparison and records the new answers.
PROOF = "vip-answers-clients"
# The same for requests from the machine that runs hadeploy.
PROOF_HERE = "vip-answers-here"

# The output of lib/answer.sh. Records of earlier versions have `http` without a status, for any
# status except 400 and 5xx.
WORD = re.compile(r"tls|alert|http|http/[1-5][0-9][0-9]|other|silent|open|closed|refused|unreached")
# The status for a request that the server does not understand.
_BAD_REQUEST = "400"
_FIRST = ("", "closed")
_UNREACHED = ("refused", "unreached")
_NOW = {
    "tls": "answers TLS",
    "alert": "answers with a TLS alert",
    "http": "answers HTTP",
    "other": "answers neither TLS nor HTTP",
    "silent": "sends nothing",
    "open": "closes the connection of a TLS client",
    "closed": "closes every connection at once",
    "refused": "refuses connections",
    "unreached": "cannot be reached",
}
_PAST = {"answers": "answered", "sends": "sent", "closes": "closed", "refuses": "refused"}


@dataclass(frozen=True)
class Answer:
    """The answer of a server to a client.

    Attributes:
        word: tls; alert (a TLS alert); http/STATUS (http in records of earlier versions); other;
            silent (no byte within 2 s); open (closed after the ClientHello, not before); closed
            (at once); refused or unreached (no connection opened).
        first: closed, if an earlier connection got that answer; otherwise "".
    """

    word: str
    first: str = field(default="", compare=False)

    @property
    def reached(self) -> bool:
        """Whether a connection opened."""
        return self.word not in _UNREACHED

    @property
    def closed(self) -> bool:
        """Whether it was closed at once, as by a haproxy without an available server."""
        return self.word == "closed"

    @property
    def tls(self) -> bool:
        """Whether the server speaks TLS."""
        return self.word in ("tls", "alert")

    @property
    def now(self) -> str:
        """A phrase after the name of the server: "answers TLS"."""
        kind, _, status = self.word.partition("/")
        return _NOW[kind] if status[:1] in ("", "2") else f"{_NOW[kind]} with status {status}"

    @property
    def past(self) -> str:
        """The same phrase in the past tense."""
        verb, _, rest = self.now.partition(" ")
        return f"{_PAST.get(verb, verb)} {rest}"


def read_answer(word: str, first: str = "") -> Answer | None:
    """Parse an answer of a node; None if it is invalid."""
    return Answer(word, first) if WORD.fullmatch(word) and first in _FIRST else None


def as_before(now: Answer, before: Collection[Answer]) -> bool:
    """Whether an answer is as good as one of the earlier answers; as `as_before` in lib/answer.sh.

    Args:
        now: the answer.
        before: the earlier answers.
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
    """The same for two HTTP statuses; "" is an unknown status."""
    if now[:1] in ("", "2"):
        return True
    if before[:1] in ("", "5"):
        return now != _BAD_REQUEST and (now[0] != "5" or before != "")
    return now == before or now[0] == before[0] == "3"
