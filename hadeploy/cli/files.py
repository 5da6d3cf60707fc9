"""Files that commands write for their users: whole, or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError


@dataclass(frozen=True)
class Target:
    """A file that a command is to write.

    Attributes:
        path: where.
        operation: what that is, for errors.
        hint: how to name another place.
        mode: who may read it, whatever the umask is.
    """

    path: Path
    operation: str
    hint: str
    mode: int

    def refuse(self) -> None:
        """Make sure that it can be written, before anything else is done.

        Raises:
            HadeployError: it cannot be.
        """
        if not self.path.absolute().parent.is_dir():
            raise self._unwritable("no such folder", ExitCode.USAGE)
        try:
            self._fill(b"")
        except OSError as error:
            raise self._unwritable(error.strerror or str(error), ExitCode.USAGE) from error
        finally:
            self._tidy()

    def write(self, content: bytes) -> None:
        """Write it in one instant, in the place of one that is there.

        Raises:
            HadeployError: it cannot be written.
        """
        try:
            self._fill(content)
            self._beside.replace(self.path)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error), ExitCode.FAILED) from error
        finally:
            self._tidy()

    @property
    def _beside(self) -> Path:
        return self.path.with_name(f".{self.path.name}.{os.getpid()}")

    def _fill(self, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(self._beside, flags, 0o600), "wb") as file:
            os.fchmod(file.fileno(), self.mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _tidy(self) -> None:
        with suppress(OSError):
            self._beside.unlink()

    def _unwritable(self, why: str, code: ExitCode) -> HadeployError:
        return HadeployError(
            f"{self.path}: {why}", operation=self.operation, hint=self.hint, code=code
        )
