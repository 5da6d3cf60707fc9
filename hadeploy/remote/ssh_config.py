"""The user's SSH config, read by OpenSSH itself, or by paramiko if OpenSSH is not installed.

So Include, Match, tokens and defaults have the same meaning as for `ssh`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hadeploy.errors import ExitCode
from hadeploy.remote.retry import PermanentError
from hadeploy.remote.ssh_options import (
    Dump,
    HostOptions,
    Query,
    options_of,
    parse_dump,
    used_entries,
)
from hadeploy.remote.ssh_same_options import SharedDump, shared_dump
from hadeploy.remote.ssh_unsupported import often_default
from hadeploy.remote.ssh_variables import UnsetVariableError, files_read, unset_variable

if TYPE_CHECKING:
    from hadeploy.remote.ssh_fallback import ParamikoConfig

DOING = "reading the SSH config"
SYSTEM_CONFIG = "/etc/ssh/ssh_config"
MAX_ERROR_CHARACTERS = 2000

# Lines of `ssh -vv` that are no errors.
_DEBUG = re.compile(r"debug\d: |OpenSSH_|Pseudo-terminal will not be allocated")
# The number of bad options; each bad option also has its own line.
_SUMMARY = re.compile(r".*: terminating, \d+ bad configuration options")
# ssh refuses to run for this user, or is too old for -G: no error of the config.
_CANNOT_RUN = re.compile(r"No user exists for uid|unknown option -- G|illegal option -- G")


class _CannotRunError(Exception):
    """`ssh` is installed but does not work here."""


@dataclass(frozen=True)
class SshConfig:
    """The SSH config of this user, or the file that the inventory names instead.

    Attributes:
        file: from the inventory; None: the default files of ssh.
        timeout: seconds that one call of ssh may take, because Match exec runs commands.
    """

    file: Path | None
    timeout: float
    _running: set[subprocess.Popen[str]] = field(default_factory=set)
    _known: dict[Query, HostOptions] = field(default_factory=dict)
    _locks: dict[Query, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _asking: threading.Lock = field(default_factory=threading.Lock)
    _shared: list[SharedDump | None] = field(default_factory=list)

    def options(self, query: Query) -> HostOptions:
        """The options for a host; ssh runs once per host, or once if all have the same options.

        Raises:
            PermanentError: the config is invalid; with the file and the line.
        """
        with self._lock:
            lock = self._locks.setdefault(query, threading.Lock())
        with lock:
            if query not in self._known:
                self._known[query] = self._read(query)
            return self._known[query]

    def load_defaults(self) -> None:
        """Read the defaults of OpenSSH; may run in parallel with `options`."""
        if self._program:
            with self._lock, contextlib.suppress(_CannotRunError):
                _ = self._defaults

    def stop(self) -> None:
        """End the running calls of ssh: commands in Match exec may take long."""
        for process in list(self._running):
            _kill(process)

    def _read(self, query: Query) -> HostOptions:
        if self._program:
            try:
                return self._ask_openssh(query)
            except _CannotRunError:
                pass
        try:
            return self._paramiko.options(query)
        except UnsetVariableError as error:
            raise error.explained(map(str, self._paramiko.files)) from error

    def _ask_openssh(self, query: Query) -> HostOptions:
        with self._lock:
            file = self._config_file
        dump, debug = self._dump(query, ["-F", file] if file else [])
        with self._lock:
            defaults = self._without_distribution(dump, self._defaults)
        entries = used_entries(debug, system=self.file is not None)
        try:
            return options_of(dump, defaults, query, os.environ, entries=entries)
        except UnsetVariableError as error:
            raise error.explained(files_read(debug)) from error

    def _dump(self, query: Query, file: list[str]) -> tuple[Dump, str]:
        """The output of `ssh -G` for a host, and its stderr."""
        with self._asking:
            if not self._shared:
                dump, debug = self._ask(query, file)
                self._shared.append(shared_dump(query, dump, debug))
                return dump, debug
        shared = self._shared[0]
        dump_of_all = shared.for_host(query) if shared else None
        if shared and dump_of_all:
            return dump_of_all, shared.debug
        return self._ask(query, file)

    def _ask(self, query: Query, file: list[str]) -> tuple[Dump, str]:
        arguments = [*file]
        arguments += ["-l", query.user] if query.user else []
        arguments += ["-p", str(query.port)] if query.port else []
        # The jump hosts of the inventory replace those of the config.
        arguments += ["-o", "ProxyJump=none"] if query.jump else []
        output, debug = self._run([*arguments, "--", query.host])
        return parse_dump(output), debug

    def _without_distribution(self, dump: Dump, defaults: Dump) -> Dump:
        """The defaults; for options that distributions set, the value of the distribution."""
        configured = {key: values for key, values in dump.items() if defaults.get(key) != values}
        if self.file or not (keywords := often_default(configured)):
            return defaults
        if not _own_config().is_file():
            return {**defaults, **{key: dump[key] for key in keywords}}
        return {**defaults, **{key: self._distribution.get(key, ()) for key in keywords}}

    @cached_property
    def _program(self) -> str | None:
        return shutil.which("ssh")

    @cached_property
    def _defaults(self) -> Dump:
        return parse_dump(self._run(["-F", "none", "--", "localhost"])[0])

    @cached_property
    def _distribution(self) -> Dump:
        if not Path(SYSTEM_CONFIG).is_file():
            return self._defaults
        return parse_dump(self._run(["-F", SYSTEM_CONFIG, "--", "localhost"])[0])

    @cached_property
    def _paramiko(self) -> ParamikoConfig:
        from hadeploy.remote.ssh_fallback import ParamikoConfig  # noqa: PLC0415 - rarely used

        files = [self.file] if self.file else [_own_config(), Path(SYSTEM_CONFIG)]
        return ParamikoConfig(tuple(file for file in files if file.is_file()))

    @cached_property
    def _config_file(self) -> str | None:
        """The file for -F. ssh ignores $HOME, so a different $HOME needs a file."""
        if self.file:
            return str(self.file)
        own = _own_config()
        if own == _account_config():
            return None
        # Include ignores a missing file.
        self._combined.write(f'Include "{own}"\nInclude {SYSTEM_CONFIG}\n')
        self._combined.flush()
        return self._combined.name

    @cached_property
    def _combined(self) -> tempfile._TemporaryFileWrapper[str]:
        return tempfile.NamedTemporaryFile("w", prefix="hadeploy-ssh-config-")

    def _run(self, arguments: list[str]) -> tuple[str, str]:
        """Run `ssh -G`.

        Returns:
            Its stdout and stderr.
        """
        command = [self._program or "ssh", "-G", "-T", "-vv", *arguments]
        try:
            code, output, errors = self._finished(command)
        except subprocess.TimeoutExpired as error:
            raise PermanentError(
                f"ssh -G did not end within {self.timeout:g} s",
                operation=DOING,
                hint="does a command in Match exec hang? (ssh.connect_timeout)",
                code=ExitCode.USAGE,
            ) from error
        except OSError as error:
            raise _CannotRunError from error
        if code != 0:
            if _CANNOT_RUN.search(errors):
                raise _CannotRunError
            if unset := unset_variable(errors):
                raise unset.explained(files_read(errors))
            file = f"-F {self.file} " if self.file else ""
            raise PermanentError(
                error_text(errors) or f"ssh -G ended with exit status {code}",
                operation=DOING,
                hint=f"correct the SSH config; to check it: ssh -G {file}{arguments[-1]}",
                code=ExitCode.USAGE,
            )
        return output, errors

    def _finished(self, command: list[str]) -> tuple[int, str, str]:
        """Run a command; if it takes too long, end it and its children.

        Returns:
            Its exit status, stdout and stderr.
        """
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="surrogateescape",
            start_new_session=True,
        ) as process:
            self._running.add(process)
            try:
                output, errors = process.communicate(timeout=self.timeout)
            except BaseException:
                _kill(process)
                raise
            finally:
                self._running.discard(process)
        return process.returncode, output, errors


def _kill(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def error_text(stderr: str) -> str:
    """The errors in the stderr of ssh, on one line; they name file and line."""
    lines = [line.strip() for line in stderr.splitlines() if not _DEBUG.match(line)]
    errors = [line for line in lines if line and not _SUMMARY.fullmatch(line)] or lines
    text = "; ".join(line for line in dict.fromkeys(errors) if line)
    return "".join(c if c.isprintable() else "?" for c in text)[:MAX_ERROR_CHARACTERS]


def _own_config() -> Path:
    # expanduser leaves "~" without a home folder; Path.expanduser would raise.
    return Path(os.path.expanduser("~/.ssh/config"))  # noqa: PTH111


def _account_config() -> Path | None:
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ssh/config"
    except KeyError:
        return None
