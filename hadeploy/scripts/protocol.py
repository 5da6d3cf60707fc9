"""What scripts on nodes say: messages told apart from noise by a token that only this run knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hadeploy.scripts.forms import MalformedError, check_form
from hadeploy.scripts.kinds import Kind, is_kind
from hadeploy.scripts.lines import MIB, MOST_OF_A_REPLY, TooMuchError

# Their bodies are never shown: files, logs, and containers whose environment may hold a password.
SECRET_KINDS: tuple[Kind, ...] = (
    *("file", "contents", "foreign", "foreign-config", "foreign-file", "log", "part"),
    *("containers", "stopped-config", "cluster-record", "foreign-environment"),
)

# What a line takes in memory beside its text, at least.
LINE_BYTES = 32
# What a message takes beside its words, at least.
MESSAGE_BYTES = 320


@dataclass(frozen=True)
class Message:
    """One message: a line `@TOKEN kind words…`, and the lines that follow it."""

    kind: Kind
    words: tuple[str, ...] = ()
    body: list[str] = field(default_factory=list, compare=False)

    @property
    def text(self) -> str:
        """The lines that followed, without blank ones around them."""
        return "\n".join(self.body).strip("\n")


@dataclass(frozen=True)
class Reply:
    """All that a script said, but for its closing message."""

    messages: tuple[Message, ...]
    code: int

    @property
    def said(self) -> str:
        """Everything that followed any message."""
        return "\n".join(m.text for m in self.messages if m.text)

    def all(self, kind: Kind) -> list[Message]:
        """The messages of one kind, in order."""
        return [m for m in self.messages if m.kind == kind]

    def body(self, kind: Kind) -> str:
        """The text below the first message of that kind, or "" if there is none."""
        return next((m.text for m in self.messages if m.kind == kind), "")

    def fields(self, kind: Kind) -> dict[str, str]:
        """The lines `name=value` below the first message of that kind."""
        return dict(line.split("=", 1) for line in self.body(kind).splitlines() if "=" in line)


def parse_line(line: str, token: str) -> Message | None:
    """A line as a message, or None if it is none.

    Args:
        line: without its newline.
        token: the run's own.

    Raises:
        MalformedError: no script says messages of that kind.
    """
    mark = f"@{token} "
    words = line[len(mark) :].split() if line.startswith(mark) else []
    if not words:
        return None
    kind, *rest = words
    if not is_kind(kind):
        raise MalformedError(kind)
    return Message(kind, tuple(rest))


@dataclass
class ReplyParser:
    """What a script has said so far.

    Attributes:
        token: the run's own.
        on_message: called with each message as it arrives.
        on_line: given each line below a message, which is then kept nowhere; None: it is kept in
            the message's body.
        messages: all but the signs of life.
        noise: what came before the first message.
    """

    token: str
    on_message: Callable[[Message], None]
    on_line: Callable[[str], None] | None = None
    messages: list[Message] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    _kept: int = 0

    def hear(self, line: str) -> None:
        """Take the next line, without its newline.

        Raises:
            MalformedError: it is a message that no script says.
            TooMuchError: what is kept of it all is too much.
        """
        message = parse_line(line, self.token)
        if message is None:
            self._below(line)
        # A sign of life comes in the middle of what something else says.
        elif message.kind != "heartbeat":
            check_form(message.kind, message.words)
            self._keep(line, MESSAGE_BYTES)
            self.messages.append(message)
            self.on_message(message)

    def _below(self, line: str) -> None:
        if self.messages and self.on_line:
            self.on_line(line)
            return
        self._keep(line)
        (self.messages[-1].body if self.messages else self.noise).append(line)

    def _keep(self, line: str, beside: int = LINE_BYTES) -> None:
        self._kept += len(line) + beside
        if self._kept > MOST_OF_A_REPLY:
            raise TooMuchError(f"it says more than {MOST_OF_A_REPLY // MIB} MiB")

    @property
    def ended(self) -> bool:
        """Whether it has said its last word."""
        return bool(self.messages) and self.messages[-1].kind == "end"

    @property
    def tail(self) -> str:
        """The end of what it said, for people; no body that may be a secret."""
        last = self.messages[-1] if self.messages else None
        shown = last.body if last and last.kind not in SECRET_KINDS else []
        return "\n".join([*self.noise, *shown][-15:])
