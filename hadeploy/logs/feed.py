"""One node's logs as they come in: whose a line is, and whether it was told before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hadeploy.desired.desired_node import Role
from hadeploy.logs.lines import BILLION, Line, parse_stamped, stamp, telling
from hadeploy.scripts.lines import clean
from hadeploy.scripts.protocol import Message

# A container's two streams may come a bit out of order.
OVERLAP = BILLION
# Where more lines than that come within this time, some may be told twice after a break.
MOST_RECENT = 100_000


@dataclass
class Cursor:
    """How far one container's log was read, so that it can be read on from there.

    Times are in nanoseconds since the epoch, by the node's clock.

    Attributes:
        began: when it was read for the first time; None before that.
        first: the earliest time of a line; None before one.
        last: the time of the line that came last.
        again: whether what comes may have been told before.
    """

    began: int | None = None
    first: int | None = None
    last: int = 0
    again: bool = False
    _recent: dict[tuple[int, str], None] = field(default_factory=dict)

    @property
    def since(self) -> int | None:
        """From when on to ask for lines; None if nothing was asked for yet."""
        return self.began if self.first is None else max(self.first, self.last - OVERLAP)

    def begin(self, now: int) -> None:
        """A script begins to read, or to read on."""
        self.began = now if self.began is None else self.began
        self.reread()

    def reread(self) -> None:
        """What comes next may have been told before."""
        self.again = self.first is not None

    def is_new(self, at: int, text: str) -> bool:
        """Whether the line was not told before; then it is the last one now."""
        first = at if self.first is None else self.first
        if self.again:
            # What is before the first line was not asked for.
            if at < max(first, self.last - OVERLAP) or (at, text) in self._recent:
                return False
            self.again = at <= self.last
        else:
            self.first = min(first, at)
        self.last = at
        self._recent[at, text] = None
        # In the order in which they came; a clock that was set may have left later ones in front.
        while abs((oldest := next(iter(self._recent)))[0] - at) > OVERLAP or (
            len(self._recent) > MOST_RECENT
        ):
            del self._recent[oldest]
        return True


@dataclass(frozen=True)
class Remark:
    """What docker said instead of a log."""

    container: Role
    text: str


class Feed:
    """What one node's script says of its containers' logs, as lines.

    Args:
        node: its label.
        containers: which of them are read.
        mark: what every line of theirs begins with, and nothing else.
        redact: takes secrets out of a text.
        keep: whether a text is wanted.
    """

    def __init__(
        self,
        node: str,
        containers: Iterable[Role],
        mark: str,
        redact: Callable[[str], str] = str,
        keep: Callable[[str], object] = lambda _: True,
    ) -> None:
        self.node = node
        self.mark = mark
        self._redact = redact
        self._keep = keep
        self._cursors = {container: Cursor() for container in containers}
        self._remarks: set[Remark] = set()

    def hear(self, message: Message) -> None:
        """Take a message of a script: with `begin` it says when, by the node's clock."""
        if message.kind == "begin":
            for cursor in self._cursors.values():
                cursor.begin(int(message.words[0]) * BILLION)

    def since(self, container: Role) -> str | None:
        """From when on to ask for lines, as docker takes it; None before the first script."""
        since = self._cursors[container].since
        return None if since is None else stamp(since)

    def take(self, raw: str) -> Line | Remark | None:
        """What a line from the node says, unless it was said before.

        Args:
            raw: as it came, without its newline.
        """
        mark, _, marked = raw.partition(" ")
        name, _, text = marked.partition(" ")
        container = next((each for each in self._cursors if each == name), None)
        if mark != self.mark or container is None:
            return None
        if text == "again":
            self._cursors[container].reread()
            return None
        stamped = parse_stamped(text)
        if stamped is None:
            return self._remark(Remark(container, self._redact(clean(text))))
        at, rest = stamped
        told = telling(container, rest)
        if not self._cursors[container].is_new(at, rest) or told is None:
            return None
        shown = self._redact(clean(told))
        return Line(at, self.node, container, shown) if self._keep(shown) else None

    def _remark(self, remark: Remark) -> Remark | None:
        if remark in self._remarks:
            return None
        self._remarks.add(remark)
        return remark
