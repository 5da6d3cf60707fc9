"""Secrets by reference: read when needed, typed so that they do not print themselves."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from hadeploy.errors import ExitCode, HadeployError

TIMEOUT_SECONDS = 30
MAX_BYTES = 64 * 1024

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def resolve(
    reference: str,
    *,
    environ: Mapping[str, str],
    folder: Path,
    run: Run = subprocess.run,
) -> SecretStr:
    """The secret that a reference stands for.

    Args:
        reference: `env:NAME`, `file:PATH` or `cmd:COMMAND`. A command is split into words as a
            shell would, but no shell runs it; what it says on stderr goes to the user's terminal.
        environ: where `env:` looks, and the environment of `cmd:`.
        folder: the inventory's folder: `file:` is relative to it and `cmd:` runs in it.
        run: as subprocess.run.

    Returns:
        The secret, without the one line end that editors and commands add.

    Raises:
        HadeployError: there is none; the error names the reference and never the value.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env":
        return _from_environment(reference, rest, environ)
    if kind == "file":
        return _text(reference, _from_file(reference, rest, folder))
    if kind == "cmd":
        return _text(reference, _from_command(reference, rest, environ, folder, run))
    # Not repeated: it may be the secret itself.
    raise _error("a secret is not a reference", "write env:NAME, file:PATH or cmd:COMMAND")


def vrrp_password(secret: SecretStr, reference: str) -> SecretStr:
    """The secret, if VRRP version 2 can carry it.

    Args:
        secret: what `resolve` returned.
        reference: where it came from, for the error.

    Returns:
        The same secret.

    Raises:
        HadeployError: keepalived would cut it, or read it as something else.
    """
    value = secret.get_secret_value()
    if not 1 <= len(value.encode("utf-8", "surrogatepass")) <= 8:
        raise _error(
            f"the VRRP password from {reference} is not 1 to 8 bytes long",
            "keepalived cuts it after 8 (RFC 2338), silently; choose one of at most 8",
        )
    # In keepalived.conf a quote ends the text, a backslash escapes and a $ begins a variable.
    if any(not "!" <= character <= "~" or character in "\"'\\$" for character in value):
        raise _error(
            f"the VRRP password from {reference} has a character that keepalived.conf cannot hold",
            "use printable ASCII without spaces, quotes, '\\' and '$'",
        )
    return secret


def _from_environment(reference: str, name: str, environ: Mapping[str, str]) -> SecretStr:
    value = environ.get(name)
    if not value:
        raise _error(
            f"{reference}: that variable is {'not set' if value is None else 'empty'}",
            f"export {name} before you run hadeploy",
        )
    return SecretStr(value)


def _from_file(reference: str, name: str, folder: Path) -> bytes:
    try:
        path = folder / Path(name).expanduser()
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_BYTES + 1)
    # RuntimeError: ~somebody, and there is no such user.
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise _error(
            f"{reference}: cannot be read: {reason}", f"relative paths begin at {folder}"
        ) from None
    # As ssh judges private keys.
    others = stat.S_IMODE(status.st_mode) & 0o077
    if others and stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid():
        raise _error(
            f"{reference}: others can read it, or write it (mode {stat.S_IMODE(status.st_mode):o})",
            f"chmod 600 {shlex.quote(str(path))}",
        )
    return content


def _from_command(
    reference: str, command: str, environ: Mapping[str, str], folder: Path, run: Run
) -> bytes:
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise _error(f"{reference}: not a command line", "are all quotes closed?")
    options: dict[str, Any] = {"cwd": folder, "env": dict(environ), "timeout": TIMEOUT_SECONDS}
    try:
        done = run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, **options)
    except subprocess.TimeoutExpired:
        # Without `from None` a traceback would show the output, and that is the secret.
        raise _error(
            f"{reference}: gave no answer within {TIMEOUT_SECONDS} s", "does it ask for something?"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a command line"
        raise _error(f"{reference}: cannot be run: {reason}", f"is {words[0]} on PATH?") from None
    if done.returncode != 0:
        raise _error(f"{reference}: ended with exit code {done.returncode}", "run it by hand")
    return done.stdout


def _text(reference: str, value: bytes) -> SecretStr:
    if len(value) > MAX_BYTES:
        raise _error(f"{reference}: is larger than {MAX_BYTES} bytes", "is it the right one?")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _error(f"{reference}: is not UTF-8 text", "is it the right one?") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _error(f"{reference}: is empty", "is it the right one?")
    return SecretStr(text)


def _error(what: str, hint: str) -> HadeployError:
    return HadeployError(what, hint=hint, code=ExitCode.USAGE)
