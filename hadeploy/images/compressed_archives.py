"""Image archives on their way to nodes: each is compressed once, for however many nodes."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.progress import Progress
from hadeploy.remote.fanout import each

# gzip, bzip2, xz and zstd, which `docker load` reads as they are.
COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
# Level 6 takes three times as long and saves 7 % more.
LEVEL = 1
CHUNK = 1024 * 1024


@contextmanager
def compressed_archives(
    archives: Iterable[Path], progress: Progress
) -> Iterator[Mapping[Path, Path]]:
    """What to send instead of each archive, for as long as the body lasts: the same, compressed.

    Args:
        archives: what `docker save` wrote; one that is compressed already is sent as it is.
        progress: told what it waits for.

    Raises:
        HadeployError: an archive cannot be read, or there is no room here.
    """
    sent_as = {archive: archive for archive in archives}
    plain = [archive for archive in sent_as if not is_compressed(archive)]
    if not plain:
        # A run that is killed leaves its folder behind; most need none.
        yield sent_as
        return
    with tempfile.TemporaryDirectory(prefix="hadeploy-") as folder:

        def pack(numbered: tuple[int, Path]) -> tuple[Path, Path]:
            number, archive = numbered
            progress.waiting(f"compressing {archive.name}")
            packed = Path(folder) / str(number)
            compress(archive, packed)
            return archive, packed

        yield sent_as | dict(each(pack, enumerate(plain)))


def is_compressed(archive: Path) -> bool:
    """Whether a file is compressed, by how it begins.

    Raises:
        HadeployError: it cannot be read.
    """
    try:
        with archive.open("rb") as file:
            return file.read(8).startswith(COMPRESSED)
    except OSError as error:
        raise unreadable(archive, error) from error


def compress(source: Path, target: Path) -> None:
    """Write a file's content compressed; the same content gives the same bytes.

    Raises:
        HadeployError: one cannot be read, or the other not be written.
    """
    try:
        with (
            source.open("rb") as plain,
            target.open("wb") as file,
            gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed,
        ):
            shutil.copyfileobj(plain, packed, CHUNK)
    except OSError as error:
        raise HadeployError(
            f"{error.filename or target.parent}: {error.strerror or error}",
            operation=f"compressing {source.name}",
            hint=f"is there room in {target.parent}? (TMPDIR=FOLDER: what is sent is kept there)",
        ) from error


def unreadable(archive: Path, error: OSError) -> HadeployError:
    """The error for an archive that went away, or was never there."""
    return HadeployError(
        f"{archive}: {error.strerror}",
        operation="reading the image archive",
        hint="make it with: hadeploy images save",
        code=ExitCode.USAGE,
    )
