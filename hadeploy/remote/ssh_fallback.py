"""Reads SSH configs with paramiko, on machines without OpenSSH; does not support Include."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import paramiko

from hadeploy.errors import ExitCode
from hadeploy.remote.retry import PermanentError
from hadeploy.remote.ssh_options import Dump, HostOptions, Query, options_of
from hadeploy.remote.ssh_tokens import local_user

NO_INCLUDE = "Include: read only where OpenSSH is installed"
_INCLUDE = re.compile(r"^\s*include[\s=]", re.I | re.M)
_NUMBERS = ("port", "connecttimeout")


@dataclass(frozen=True)
class ParamikoConfig:
    """Config files; the first one takes precedence."""

    files: tuple[Path, ...]

    def options(self, query: Query) -> HostOptions:
        """The options for a host.

        Raises:
            PermanentError: a file is unreadable or invalid; with the line, if known.
        """
        name = local_user()
        if name.isdigit():
            # paramiko needs a user name for its tokens, and fails without one.
            os.environ.setdefault("USER", name)
        dump: dict[str, tuple[str, ...]] = {}
        include = False
        for file in self.files:
            text = _read(file)
            found = _look_up(file, text, query.host)
            dump = {**found, **dump}
            include = include or bool(_INCLUDE.search(text))
        dump |= {"host": (query.host,)}
        dump.setdefault("hostname", (query.host,))
        dump["user"] = (query.user or dump.get("user", (name,))[0],)
        if dump["user"][0] == str(os.getuid()):
            raise _nameless()
        dump["port"] = (str(query.port),) if query.port else dump.get("port", ("22",))
        if query.jump or "proxyjump" in dump:
            dump.pop("proxycommand", None)
        return options_of(
            dump,
            {},
            query,
            os.environ,
            also_not_followed=(NO_INCLUDE,) if include else (),
        )


def _nameless() -> PermanentError:
    return PermanentError(
        f"user {os.getuid()} of this machine has no name to log in with",
        operation="reading the SSH config",
        hint="set ssh.user in the inventory, or USER",
        code=ExitCode.USAGE,
    )


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise _wrong(file, error.strerror or str(error)) from error


def _look_up(file: Path, text: str, host: str) -> Dump:
    """The options of a file for a host; every error of paramiko counts as an error of the file."""
    try:
        config = paramiko.SSHConfig.from_text(text)
        found = config.lookup(host)
        for keyword in _NUMBERS:
            if not str(found.get(keyword, "0")).isdigit():
                place = _place(file, text, keyword)
                raise _wrong(place, f"{keyword} {found[keyword]} is no number")
    except PermanentError:
        raise
    except Exception as error:
        reason = str(error) if isinstance(error, paramiko.SSHException) else repr(error)
        raise _wrong(f"{file}{_first_bad_line(text, host)}", reason) from error
    if "hostname" not in text.lower():
        del found["hostname"]
    return {
        keyword: tuple(value) if isinstance(value, list) else (str(value),)
        for keyword, value in found.items()
        if value is not None
    }


def _first_bad_line(text: str, host: str) -> str:
    """The first line at which paramiko fails: the end of the shortest failing prefix."""
    lines = text.splitlines(keepends=True)
    for number in range(1, len(lines) + 1):
        try:
            paramiko.SSHConfig.from_file(io.StringIO("".join(lines[:number]))).lookup(host)
        except Exception:  # noqa: BLE001 - any error identifies the line
            return f" line {number}"
    return ""


def _place(file: Path, text: str, keyword: str) -> str:
    lines = enumerate(text.splitlines(), 1)
    bad = re.compile(rf"\s*{keyword}\s*[\s=]\s*[\"']?\D", re.I)
    return next((f"{file} line {number}" for number, line in lines if bad.match(line)), str(file))


def _wrong(place: Path | str, reason: str) -> PermanentError:
    return PermanentError(
        f"{place}: {reason}",
        operation="reading the SSH config",
        hint="correct that line; if OpenSSH is installed here, hadeploy uses it to read the config",
        code=ExitCode.USAGE,
    )
