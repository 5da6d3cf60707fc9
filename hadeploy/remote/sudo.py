"""Becoming root on a node: sudo without a password, with one, and where sudo insists on a terminal.

A login shell may be any, so command lines hold nothing that shells read differently: words, double
quotes around single ones, and semicolons.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum

from hadeploy.errors import ExitCode
from hadeploy.remote.retry import PermanentError

# Folders that are root's: the account that logs in may have put a `sudo` of its own first in its
# PATH. The last three are those of snaps and of NixOS.
ROOTS_PATH = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"
    "/snap/bin:/run/wrappers/bin:/run/current-system/sw/bin"
)
# What sudo says is read, so it must not be translated. `env` is there everywhere, under every login
# shell, and looks for a program in the PATH that it sets.
SUDO = f"/usr/bin/env PATH={ROOTS_PATH} LC_ALL=C sudo"


class PromptState(Enum):
    """What a node has said so far, on the way to root."""

    NOTHING = 0
    ASKS = 1
    READY = 2


@dataclass
class SudoState:
    """What was learnt about a node's sudo.

    Attributes:
        terminal: it insists on one.
        asked: it asked for the password.
        refused: it refused the password; another try would count towards a lockout.
    """

    terminal: bool = False
    asked: bool = False
    refused: PermanentError | None = None


@dataclass(frozen=True)
class Handshake:
    """Nothing is sent before sudo has asked for it, or before root reads it.

    So a password is only ever read by sudo: where sudo needs none, it would go to the script. The
    command line holds neither of the two marks as the node prints them: a shell may print every
    command, and sudo prints one that it refuses.

    Attributes:
        mark: of this one exchange; no banner imitates it.
    """

    mark: str

    @classmethod
    def new(cls) -> Handshake:
        """One with a mark of its own."""
        return cls(secrets.token_hex(8))

    def command(self, program: str, size: int | None) -> str:
        """The command line.

        Args:
            program: what root is to run: words only.
            size: bytes that it is going to read; for a terminal, on which input has no end.
        """
        # sudo prints %% as % (sudo(8), -p).
        sudo = f"{SUDO} -S -p hd-asks%%{self.mark}: -- sh -c"
        ready = f"printf %s-{self.mark} hd-ready; echo"
        if size is None:
            return f"{sudo} '{ready}; exec {program}'"
        # The outer shell stays when the connection goes: its child finishes what it has begun.
        inner = f"trap : HUP; {ready}; head -c {size} | {program}"
        return f"/bin/sh -c \"PATH={ROOTS_PATH}; stty raw -echo; exec {sudo} '{inner}'\""

    def heard(self, said: bytes, answered: bool) -> PromptState:
        """What it has said.

        Args:
            said: all of its output so far.
            answered: whether the password was sent.
        """
        # sudo writes no newline after its question, but the answer to a wrong password is another.
        asked = said.count(self._asks.encode())
        if self._ready in said:
            return PromptState.READY
        return PromptState.ASKS if asked > answered else PromptState.NOTHING

    def after(self, said: bytes) -> bytes:
        """What came after the mark of a root that reads."""
        return said.partition(self._ready)[2].lstrip(b"\r\n")

    def before(self, said: bytes) -> str:
        """What people may read of it."""
        text = said.decode("utf-8", "replace").replace(self._asks, "")
        return text.replace("\r", "").strip()

    @property
    def _asks(self) -> str:
        return f"hd-asks%{self.mark}:"

    @property
    def _ready(self) -> bytes:
        return f"hd-ready-{self.mark}".encode()


def insists_on_terminal(output: str) -> bool:
    """Whether sudo refused because of `requiretty`; it has begun nothing then."""
    return "you must have a tty to run sudo" in output


def refusal(output: str, node: str, operation: str) -> PermanentError | None:
    """sudo's refusal as an error; None if it did not refuse.

    Args:
        output: what sudo said.
        node: the node's label.
        operation: what was being done.
    """
    for words, what, hint, shown in _REFUSALS:
        if any(word in output for word in words):
            return PermanentError(
                what,
                node=node,
                operation=operation,
                hint=hint,
                detail=output[-1000:] if shown else None,
                code=ExitCode.UNREACHABLE,
                stage="sudo",
            )
    return None


# What sudo says; what that means; what to do; whether its own words help.
_REFUSALS = (
    (
        ("incorrect password attempt", "Sorry, try again"),
        "sudo refuses the password",
        "it was tried once; try by hand, logged in there as the same user: sudo -k true",
        False,
    ),
    (
        ("is not in the sudoers file", "is not allowed to execute", "may not run sudo"),
        "this user may not become root with sudo",
        "allow this user `ALL` in sudoers, or log in as another (ssh.user)",
        True,
    ),
    (
        ("a password is required", "a terminal is required"),
        "sudo wants a password",
        "give it with --ask-sudo-password or ssh.sudo_password; or allow this user "
        "`NOPASSWD: ALL` in sudoers, or log in as root",
        False,
    ),
    (
        ("sudo: command not found", "sudo: not found", "sudo\u2019: No such", "sudo': No such"),
        "there is no sudo",
        "install it there, or log in as root (ssh.user)",
        True,
    ),
)
