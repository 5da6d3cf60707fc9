"""What scripts on nodes say: messages told apart from noise by a token that only this run knows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Message:
    """One message: a line `@TOKEN kind words…`, and the lines that follow it."""

    kind: str
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

    def all(self, kind: str) -> list[Message]:
        """The messages of one kind, in order."""
        return [m for m in self.messages if m.kind == kind]

    def body(self, kind: str) -> str:
        """The text below the first message of that kind, or "" if there is none."""
        return next((m.text for m in self.messages if m.kind == kind), "")


def parse_line(line: str, token: str) -> Message | None:
    """A line as a message, or None if it is none.

    Args:
        line: without its newline.
        token: the run's own.
    """
    mark = f"@{token} "
    words = line[len(mark) :].split() if line.startswith(mark) else []
    return Message(words[0], tuple(words[1:])) if words else None
