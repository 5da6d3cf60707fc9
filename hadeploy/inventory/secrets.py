"""Read secrets from references; their type keeps them out of output."""

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
_CHECK_REFERENCE = "check that the reference is correct"

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]


def resolve(
    reference: str,
    *,
    environ: Mapping[str, str],
    folder: Path,
    run: Run = subprocess.run,
) -> SecretStr:
    """Read the secret of a reference.

    Args:
        reference: `env:NAME`, `file:PATH` or `cmd:COMMAND`. A command is split into words like in a
            shell, but runs without one; its stderr goes to the user's terminal.
        environ: the environment for `env:` and `cmd:`.
        folder: of the inventory: `file:` is relative to it, and `cmd:` runs in it.
        run: as subprocess.run.

    Returns:
        The secret, without the newline at its end.

    Raises:
        HadeployError: it cannot be read; the error contains the reference, never the value.
    """
    kind, _, rest = reference.partition(":")
    if kind == "env":
        return _from_environment(reference, rest, environ)
    if kind == "file":
        return _text(reference, _from_file(reference, rest, folder))
    if kind == "cmd":
        return _text(reference, _from_command(reference, rest, environ, folder, run))
    # Without the value, which may be the secret itself.
    raise _error("a secret is not a reference", "write env:NAME, file:PATH or cmd:COMMAND")


def vrrp_password(secret: SecretStr, reference: str) -> SecretStr:
    """The secret, if it is a valid password of VRRP version 2.

    Args:
        secret: from `resolve`.
        reference: its reference, for the error.

    Raises:
        HadeployError: keepalived would truncate or misread it.
    """
    value = secret.get_secret_value()
    if not 1 <= len(value.encode("utf-8", "surrogatepass")) <= 8:
        raise _error(
            f"the VRRP password from {reference} is not 1 to 8 bytes long",
            "keepalived truncates it to 8 bytes (RFC 2338); use at most 8",
        )
    # In keepalived.conf, a quote ends the text, a backslash escapes and a $ begins a variable.
    if any(not "!" <= character <= "~" or character in "\"'\\$" for character in value):
        raise _error(
            f"the VRRP password from {reference} has an invalid character",
            "use printable ASCII without spaces, quotes, '\\' and '$'",
        )
    return secret


def _from_environment(reference: str, name: str, environ: Mapping[str, str]) -> SecretStr:
    value = environ.get(name)
    if not value:
        raise _error(
            f"{reference}: the variable is {'not set' if value is None else 'empty'}",
            f"export {name} before you run hadeploy",
        )
    return SecretStr(value)


def _from_file(reference: str, name: str, folder: Path) -> bytes:
    try:
        path = folder / Path(name).expanduser()
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(MAX_BYTES + 1)
    # RuntimeError: ~NAME of an unknown user.
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"
        raise _error(
            f"{reference}: cannot read the file: {reason}", f"relative paths begin at {folder}"
        ) from None
    # The same rule as for private keys in ssh.
    others = stat.S_IMODE(status.st_mode) & 0o077
    if others and stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid():
        raise _error(
            f"{reference}: other users have access to the file"
            f" (mode {stat.S_IMODE(status.st_mode):o})",
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
        raise _error(f"{reference}: not a command line", "check the quotes")
    options: dict[str, Any] = {"cwd": folder, "env": dict(environ), "timeout": TIMEOUT_SECONDS}
    try:
        done = run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, **options)
    except subprocess.TimeoutExpired:
        # Without `from None`, a traceback would contain the output, which is the secret.
        raise _error(
            f"{reference}: the command did not end within {TIMEOUT_SECONDS} s",
            "check that it does not wait for input",
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a command line"
        raise _error(
            f"{reference}: cannot run the command: {reason}", f"check that {words[0]} is in PATH"
        ) from None
    if done.returncode != 0:
        raise _error(
            f"{reference}: the command failed with exit code {done.returncode}", "run it manually"
        )
    return done.stdout


def _text(reference: str, value: bytes) -> SecretStr:
    if len(value) > MAX_BYTES:
        raise _error(f"{reference}: the secret is larger than {MAX_BYTES} bytes", _CHECK_REFERENCE)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise _error(f"{reference}: the secret is not UTF-8 text", _CHECK_REFERENCE) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise _error(f"{reference}: the secret is empty", _CHECK_REFERENCE)
    return SecretStr(text)


def _error(message: str, hint: str) -> HadeployError:
    return HadeployError(message, hint=hint, code=ExitCode.USAGE)
