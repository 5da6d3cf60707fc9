"""Parses the log lines of one node, and drops lines that were already reported. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hadeploy.desired.roles import Role
from hadeploy.logs.lines import BILLION, Line, message_of, parse_stamped, stamp
from hadeploy.scripts.lines import clean
from hadeploy.scripts.protocol import Message

# Lines of the two streams of a container may be slightly out of order.
OVERLAP = BILLION
# With more lines in that time, some may be reported twice after a reconnect.
MAX_RECENT = 100_000


@dataclass
class Cursor:
    """The position in the log of one container, to continue there after a reconnect.

    Times are in nanoseconds since the epoch, by the clock of the node.

    Attributes:
        began: when reading started; None before.
        first: the earliest time of a line; None before the first line.
        last: the time of the last line.
        rereading: whether the next lines may have been reported already.
    """

    began: int | None = None
    first: int | None = None
    last: int = 0
    rereading: bool = False
    _recent: dict[tuple[int, str], None] = field(default_factory=dict)

    @property
    def since(self) -> int | None:
        """The time from which to read; None before the first script."""
        return self.began if self.first is None else max(self.first, self.last - OVERLAP)

    def start(self, now: int) -> None:
        """A script starts to read, from the beginning or from this position."""
        self.began = now if self.began is None else self.began
        self.reread()

    def reread(self) -> None:
        """Expect lines that were already reported."""
        self.rereading = self.first is not None

    def is_new(self, at: int, text: str) -> bool:
        """Whether the line was not reported yet; if so, move the position to it."""
        first = at if self.first is None else self.first
        if self.rereading:
            # Lines before the first line were not requested.
            if at < max(first, self.last - OVERLAP) or (at, text) in self._recent:
                return False
            self.rereading = at <= self.last
        else:
            self.first = min(first, at)
        self.last = at
        self._recent[at, text] = None
        # In order of arrival; after a change of the clock, the oldest entry may have a later time.
        while abs((oldest := next(iter(self._recent)))[0] - at) > OVERLAP or (
            len(self._recent) > MAX_RECENT
        ):
            del self._recent[oldest]
        return True


@dataclass(frozen=True)
class DockerMessage:
    """A message of docker, such as an error, instead of a log line."""

    container: Role
    text: str


class Feed:
    """Parses the output of the log script of one node.

    Args:
        node: its label.
        containers: the containers to read.
        mark: the prefix of all lines from containers.
        redact: removes secrets from a text.
        keep: whether a text is selected.
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
        self._docker_messages: set[DockerMessage] = set()

    def receive(self, message: Message) -> None:
        """Process a message of the script; `begin` has the time by the clock of the node."""
        if message.kind == "begin":
            for cursor in self._cursors.values():
                cursor.start(int(message.words[0]) * BILLION)

    def since(self, container: Role) -> str | None:
        """The time from which to read, as an option of docker; None before the first script."""
        since = self._cursors[container].since
        return None if since is None else stamp(since)

    def parse(self, raw: str) -> Line | DockerMessage | None:
        """Parse one line of output without its newline; None if there is nothing new to report."""
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
            return self._new(DockerMessage(container, self._redact(clean(text))))
        at, rest = stamped
        message = message_of(container, rest)
        if not self._cursors[container].is_new(at, rest) or message is None:
            return None
        shown = self._redact(clean(message))
        return Line(at, self.node, container, shown) if self._keep(shown) else None

    def _new(self, message: DockerMessage) -> DockerMessage | None:
        if message in self._docker_messages:
            return None
        self._docker_messages.add(message)
        return message
