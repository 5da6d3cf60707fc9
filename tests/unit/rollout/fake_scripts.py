"""What a script of a rollout is, in the words of the tests, and what may go wrong with it."""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import dataclass

LOOKS = ("look", "settle")
RESTORES = ("restore", "keep_off", "restore_classic", "no_restore")
# By a function that no other script calls in its main part; the first one that is found counts.
_NAMES = {
    "stage_begin": "stage",
    "restore": "put back",
    "keep_off": "keep off",
    "restore_classic": "give back",
    "lock_inherit": "inherit lock",
    "lock_take": "take lock",
    "lock_release": "release",
    "rm": "clean up",
    "lock_keep": "renew lock",
}


@dataclass(frozen=True)
class Fault:
    """What goes wrong, once.

    Attributes:
        node: where.
        at: the name of a script, or of the function of a step ("swap", "prove_haproxy"); the proof
            of backends is "backends", that of a node that may win the VIP is "takeover".
        how: for a step `fails`, and `fails, unrestored` where it cannot be put back either; for a
            script the kind of a refusal ("fenced"), `nothing` where no message of it arrives, or
            `nonsense` where only one does; for both `cut-off`, `cut-off-begun` (it goes on by
            itself) and `ctrl-c`.
        lost: what a step that fails says is lost.
    """

    node: str
    at: str
    how: str = "fails"
    lost: str = ""

    @property
    def fails(self) -> bool:
        """Whether a step fails."""
        return self.how.startswith("fails")

    @property
    def restored(self) -> str:
        """How the putting back ends that follows."""
        return self.how.partition(", ")[2] or "restored"


class Script:
    """What a script is, and what it is given."""

    def __init__(self, text: str) -> None:
        self.given = dict(re.findall(r"^(HD_[A-Z_]+)=(\S*)$", text, re.MULTILINE))
        main = text.rpartition("\nmain() {\n")[2].partition("\n}\n")[0].splitlines()
        # The content of a staged file is long.
        self.lines = [list(_words(line)) for line in main if not line.startswith("put ")]
        self.fingerprint = next(
            (line[1] for line in self.lines if line[0] == "require_fingerprint"), ""
        )

    @property
    def name(self) -> str:
        """In the words of the tests."""
        if "HD_CHECK" in self.given:
            return "settle" if self.given["HD_SETTLE"] != "''" else "look"
        words = [word for line in self.lines for word in line[:1]]
        for word, name in _NAMES.items():
            if word in words:
                return name
        if "begin" in words:
            return "let go" if set(self.steps) <= {"finish_handover", "record"} else "change"
        return "hand back" if "begin_change" in words else words[0]

    @property
    def steps(self) -> list[str]:
        """The functions of its steps."""
        return [function_of(line) for line in self.lines if line[0] == "step"]


@functools.lru_cache
def script_of(text: str) -> Script:
    """A look is the same script again and again."""
    return Script(text)


@functools.cache
def _words(line: str) -> tuple[str, ...]:
    return tuple(shlex.split(line))


def function_of(line: list[str]) -> str:
    """What a step is known by in the tests."""
    number, *command = line[1:]
    proof = number.partition(".")[2]
    if proof in ("backends", "takeover"):
        return proof
    if command[0] == "in_time":
        command = command[1:]
    return command[3] if command[0] == "if_ports_are_free" else command[0]
