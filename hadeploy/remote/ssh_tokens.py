"""Paths and commands in an SSH config: `~`, tokens such as %h, ${VAR} (ssh_config(5), TOKENS)."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_TOKEN = re.compile(r"%(.)|\$\{(\w+)\}", re.S)
_PERCENT = re.compile(r"%(.)", re.S)


def tokens_of(
    *, host: str, hostname: str, user: str, port: int, alias: str | None, jump_host: str
) -> dict[str, str]:
    """The values of the tokens.

    Args:
        host: the name that was looked up.
        hostname: the name or address to connect to.
        user: the login name.
        port: to connect to.
        alias: HostKeyAlias.
        jump_host: the last of the jump hosts, or "".
    """
    local = socket.gethostname()
    hashed = f"{local}{hostname}{port}{user}{jump_host}".encode("utf-8", "surrogateescape")
    return {
        "%": "%",
        "C": hashlib.sha1(hashed, usedforsecurity=False).hexdigest(),
        "d": os.path.expanduser("~"),  # noqa: PTH111
        "h": hostname,
        "i": str(os.getuid()),
        "j": jump_host,
        "k": alias or host,
        "L": local.partition(".")[0],
        "l": local,
        "n": host,
        "p": str(port),
        "r": user,
        "u": local_user(),
    }


def local_user() -> str:
    """The user on this machine; the user id if there is no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def expand(text: str, tokens: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """The text with tokens and variables replaced; unknown tokens stay.

    Returns:
        None if a variable is not set: OpenSSH ignores such an option.
    """
    unset = False

    def value(found: re.Match[str]) -> str:
        nonlocal unset
        token, variable = found.groups()
        if token is not None:
            return tokens.get(token, found[0])
        unset = unset or variable not in environment
        return environment.get(variable, "")

    expanded = _TOKEN.sub(value, text)
    return None if unset else expanded


def expand_command(text: str, tokens: Mapping[str, str]) -> str:
    """A command with its tokens replaced; variables are left to the shell."""
    return _PERCENT.sub(lambda found: tokens.get(found[1], found[0]), text)


def expand_path(
    text: str, tokens: Mapping[str, str], environment: Mapping[str, str]
) -> Path | None:
    """A path of an SSH config; as in OpenSSH, a relative path begins at the current folder."""
    path = expand(os.path.expanduser(text), tokens, environment)  # noqa: PTH111
    return Path.cwd() / path if path else None


def split_paths(text: str, exists: Callable[[str], bool]) -> list[str]:
    """Split several paths that `ssh -G` prints on one line, without their quotes.

    A path may contain spaces, so the longest run of words that is a file is taken. If there is no
    such file, the run ends before the next word that begins a path.

    Args:
        text: paths joined by single spaces.
        exists: whether a file exists.
    """
    words = text.split(" ")
    paths: list[str] = []
    while words:
        length = _existing(words, exists) or _until_next_path(words)
        if path := " ".join(words[:length]):
            paths.append(path)
        words = words[length:]
    return paths


def _existing(words: Sequence[str], exists: Callable[[str], bool]) -> int:
    lengths = range(len(words), 0, -1)
    return next((n for n in lengths if exists(" ".join(words[:n]))), 0)


def _until_next_path(words: Sequence[str]) -> int:
    if not words[0].startswith(("/", "~")):
        return 1
    begins = (n for n, word in enumerate(words) if n and word.startswith(("/", "~", "%", "${")))
    return next(begins, len(words))
