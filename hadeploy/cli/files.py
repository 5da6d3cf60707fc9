"""Output files of commands, written completely or not at all."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError


@dataclass(frozen=True)
class Target:
    """An output file.

    Attributes:
        path: the file.
        operation: the operation, for errors.
        hint: the option that names another file, for errors.
        mode: the file mode; the umask does not change it.
    """

    path: Path
    operation: str
    hint: str
    mode: int

    def require_writable(self) -> None:
        """Check that the file can be written, at the start of a command.

        Raises:
            HadeployError: it cannot.
        """
        if not self.path.absolute().parent.is_dir():
            raise self._unwritable("no such folder", ExitCode.USAGE)
        try:
            self._keep_special()
            self._write_temporary(b"")
        except OSError as error:
            raise self._unwritable(error.strerror or str(error), ExitCode.USAGE) from error
        finally:
            self._remove_temporary()

    def write(self, content: bytes) -> None:
        """Write the file atomically; an existing file is replaced.

        Raises:
            HadeployError: it cannot be written.
        """
        try:
            self._keep_special()
            self._write_temporary(content)
            self._temporary.replace(self.path)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error), ExitCode.FAILED) from error
        finally:
            self._remove_temporary()

    def _keep_special(self) -> None:
        """Refuse to replace a device, a pipe or a folder.

        /dev/stdout is a link into /proc, and may lead to a regular file.

        Raises:
            OSError: it is one.
        """
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        into_proc = self.path.is_symlink() and Path("/proc") in self.path.readlink().parents
        if into_proc or (self.path.exists() and not self.path.is_file()):
            raise OSError(errno.EINVAL, "not a regular file")

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}")

    def _write_temporary(self, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._temporary, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), self.mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _remove_temporary(self) -> None:
        with suppress(OSError):
            self._temporary.unlink()

    def _unwritable(self, why: str, code: ExitCode) -> HadeployError:
        return HadeployError(
            f"{self.path}: {why}", operation=self.operation, hint=self.hint, code=code
        )
