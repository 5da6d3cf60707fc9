"""The messages of scripts on nodes; a random token of the run distinguishes them from noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hadeploy.scripts.forms import MalformedError, check_form
from hadeploy.scripts.kinds import Kind, is_kind
from hadeploy.scripts.lines import MAX_REPLY_BYTES, MIB, OutputTooLongError

# Their bodies are never shown: files, logs, and containers, whose environment may have a password.
SECRET_KINDS: tuple[Kind, ...] = (
    *("file", "contents", "foreign", "foreign-config", "foreign-file", "log", "part"),
    *("containers", "stopped-config", "cluster-record", "foreign-environment"),
)

# The memory of a line beyond its text, at least.
LINE_BYTES = 32
# The memory of a message beyond its words, at least.
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
    """The messages of a script, without the closing one."""

    messages: tuple[Message, ...]
    code: int

    @property
    def output(self) -> str:
        """The bodies of all messages."""
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
    """Parse a line; None if it is no message.

    Args:
        line: without its newline.
        token: the token of the run.

    Raises:
        MalformedError: no script sends messages of that kind.
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
    """Collects the messages of a script.

    Attributes:
        token: the token of the run.
        on_message: called with each message as it arrives.
        on_line: called with each line below a message, which is then not kept; None: the line is
            kept in the body of the message.
        messages: all messages except heartbeats.
        noise: the lines before the first message.
    """

    token: str
    on_message: Callable[[Message], None]
    on_line: Callable[[str], None] | None = None
    messages: list[Message] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    _kept: int = 0

    def feed(self, line: str) -> None:
        """Parse the next line, without its newline.

        Raises:
            MalformedError: it is a message that no script sends.
            OutputTooLongError: the kept output is too long.
        """
        message = parse_line(line, self.token)
        if message is None:
            self._below(line)
        # A heartbeat may come in the middle of the body of another message.
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
        if self._kept > MAX_REPLY_BYTES:
            raise OutputTooLongError(f"the output exceeds {MAX_REPLY_BYTES // MIB} MiB")

    @property
    def ended(self) -> bool:
        """Whether the closing message has arrived."""
        return bool(self.messages) and self.messages[-1].kind == "end"

    @property
    def tail(self) -> str:
        """The end of the output, for display, without secret bodies."""
        last = self.messages[-1] if self.messages else None
        shown = last.body if last and last.kind not in SECRET_KINDS else []
        return "\n".join([*self.noise, *shown][-15:])
