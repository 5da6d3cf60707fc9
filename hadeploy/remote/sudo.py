"""Becomes root on a node: with sudo, with or without a password, and with `requiretty`.

The login shell is unknown, so command lines contain only what all shells parse alike: words, single
quotes within double quotes, and semicolons.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum

from hadeploy.errors import ExitCode
from hadeploy.remote.retry import PermanentError

# Folders of root: the PATH of the login user may begin with a folder of the user. The last three
# are those of snaps and of NixOS.
ROOTS_PATH = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"
    "/snap/bin:/run/wrappers/bin:/run/current-system/sw/bin"
)
# LC_ALL=C, because the messages of sudo are parsed. `env` exists everywhere, works with every login
# shell, and searches the PATH that it sets.
SUDO = f"/usr/bin/env PATH={ROOTS_PATH} LC_ALL=C sudo"


class PromptState(Enum):
    """The output of sudo so far: nothing, a password prompt, or the mark of a root shell."""

    NOTHING = 0
    ASKS = 1
    READY = 2


@dataclass
class SudoState:
    """The known behaviour of a node's sudo.

    Attributes:
        terminal: it requires a terminal.
        asked: it asked for the password.
        refused: the error after a refused password; another try would count towards a lockout.
    """

    terminal: bool = False
    asked: bool = False
    refused: PermanentError | None = None


@dataclass(frozen=True)
class Handshake:
    """Recognises sudo's prompt and the start of the command by a random mark.

    The password is sent only after sudo's prompt, and the input only after the command has started.
    So only sudo reads the password: if sudo needs none, the script would read it. The command line
    does not contain the marks as the node prints them: a shell may print every command, and sudo
    prints a command that it refuses.

    Attributes:
        mark: random, so that no banner imitates it.
    """

    mark: str

    @classmethod
    def new(cls) -> Handshake:
        """A handshake with a new mark."""
        return cls(secrets.token_hex(8))

    def command(self, program: str, size: int | None) -> str:
        """The command line.

        Args:
            program: the command for root: words only.
            size: the length of its input; on a terminal, whose input has no end.
        """
        # sudo prints %% as % (sudo(8), -p).
        sudo = f"{SUDO} -S -p hd-asks%%{self.mark}: -- sh -c"
        ready = f"printf %s-{self.mark} hd-ready; echo"
        if size is None:
            return f"{sudo} '{ready}; exec {program}'"
        # The outer shell survives a lost connection, so that its child finishes its work.
        inner = f"trap : HUP; {ready}; head -c {size} | {program}"
        return f"/bin/sh -c \"PATH={ROOTS_PATH}; stty raw -echo; exec {sudo} '{inner}'\""

    def state(self, output: bytes, answered: bool) -> PromptState:
        """The state after some output.

        Args:
            output: the whole output so far.
            answered: whether the password was sent.
        """
        # A second prompt means that the password was wrong.
        asked = output.count(self._asks.encode())
        if self._ready in output:
            return PromptState.READY
        return PromptState.ASKS if asked > answered else PromptState.NOTHING

    def after(self, output: bytes) -> bytes:
        """The output after the mark of the root shell."""
        return output.partition(self._ready)[2].lstrip(b"\r\n")

    def before(self, output: bytes) -> str:
        """The output without the marks, for display."""
        text = output.decode("utf-8", "replace").replace(self._asks, "")
        return text.replace("\r", "").strip()

    @property
    def _asks(self) -> str:
        return f"hd-asks%{self.mark}:"

    @property
    def _ready(self) -> bytes:
        return f"hd-ready-{self.mark}".encode()


def insists_on_terminal(output: str) -> bool:
    """Whether sudo refused because of `requiretty`; the command has not started then."""
    return "you must have a tty to run sudo" in output


def refusal(output: str, node: str, operation: str) -> PermanentError | None:
    """sudo's refusal as an error; None if it did not refuse.

    Args:
        output: the output of sudo.
        node: the node's label.
        operation: the failed operation.
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


# Output of sudo; message; hint; whether the message includes the output.
_REFUSALS = (
    (
        ("incorrect password attempt", "Sorry, try again"),
        "sudo refuses the password",
        "it was tried once; log in there as the same user and try: sudo -k true",
        False,
    ),
    (
        ("is not in the sudoers file", "is not allowed to execute", "may not run sudo"),
        "sudo does not allow this user to become root",
        "allow this user `ALL` in sudoers, or log in as another (ssh.user)",
        True,
    ),
    (
        ("a password is required", "a terminal is required"),
        "sudo requires a password",
        "give it with --ask-sudo-password or ssh.sudo_password; or allow this user "
        "`NOPASSWD: ALL` in sudoers, or log in as root",
        False,
    ),
    (
        ("sudo: command not found", "sudo: not found", "sudo\u2019: No such", "sudo': No such"),
        "sudo is not installed",
        "install it on the node, or log in as root (ssh.user)",
        True,
    ),
)
