"""Fetches images with an engine of this machine, and saves them as archives."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from hadeploy.check.archive import read_archive
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.images import engines
from hadeploy.images.compressed_archives import compress
from hadeploy.images.engines import ENGINES, Engine
from hadeploy.inventory.references import registry_of
from hadeploy.progress import Progress

PROBE_SECONDS = 20
# For an image over a slow connection.
FETCH_SECONDS = 3600


def find_engine() -> Engine:
    """The first engine of this machine that works.

    Raises:
        HadeployError: no engine works; the detail has the reasons.
    """
    tried = []
    for name in ENGINES:
        if shutil.which(name) is None:
            tried.append(f"{name}: not installed")
            continue
        try:
            return Engine(name, _run(engines.probe(name), f"probing {name}", PROBE_SECONDS).strip())
        except HadeployError as error:
            tried.append(f"{name}: {error.detail or error.message}")
    raise HadeployError(
        "no engine on this machine works",
        operation="fetching the images",
        detail="\n".join(tried),
        hint=f"install or start one of {', '.join(ENGINES)}; or run `hadeploy images save` on "
        "another machine, and set images.*.archive to the archives",
        code=ExitCode.USAGE,
    )


def fetch(
    engine: Engine, reference: str, architecture: str, target: Path, progress: Progress
) -> int:
    """Save an image as a compressed archive; an existing file is replaced at the end.

    Does not pull an image that the engine already has.

    Args:
        engine: of this machine.
        reference: of the image.
        architecture: in the notation of images, such as amd64.
        target: the file to write.
        progress: receives events.

    Returns:
        The size of the archive in bytes.

    Raises:
        HadeployError: the image cannot be fetched, or the archive cannot be written.
    """
    operation = f"saving {reference} for {architecture}"
    if "@" in reference:
        raise HadeployError(
            "an archive does not contain digests, so the nodes would not find the image",
            operation=operation,
            hint="use a tag in images.*.reference",
            code=ExitCode.USAGE,
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".saving-") as scratch:
            draft, packed = Path(scratch) / "image.tar", Path(scratch) / target.name
            if not _is_stored(engine, reference, architecture):
                _pull(engine, reference, architecture, progress)
            progress.waiting(f"{engine.name} to write {target.name}")
            # skopeo pulls when it saves.
            pulled = reference if engine.name == "skopeo" else ""
            command = engines.save(engine, reference, architecture, draft)
            _run(command, operation, FETCH_SECONDS, pulled)
            _verify_archive(draft, reference, architecture, engine)
            compress(draft, packed)
            packed.replace(target)
        return target.stat().st_size
    except OSError as error:
        raise HadeployError(
            f"{error.filename or target}: {error.strerror}",
            operation=operation,
            hint="select another folder: --output FOLDER",
        ) from error


def _is_stored(engine: Engine, reference: str, architecture: str) -> bool:
    command = engines.inspect(engine, reference)
    if command is None:
        return False
    try:
        return _run(command, f"inspecting {reference}", PROBE_SECONDS).strip() == architecture
    except HadeployError:
        return False


def _pull(engine: Engine, reference: str, architecture: str, progress: Progress) -> None:
    command = engines.pull(engine, reference, architecture)
    if command:
        progress.waiting(f"{engine.name} to pull {reference}")
        _run(
            command,
            f"pulling {reference} for {architecture} on this machine",
            FETCH_SECONDS,
            reference,
        )


def _verify_archive(draft: Path, reference: str, architecture: str, engine: Engine) -> None:
    archive = read_archive(draft)
    found = archive.architecture(reference)
    if archive.problem or found not in (architecture, ""):
        content = ", ".join(f"{name} ({of})" for name, of in archive.images.items()) or "nothing"
        raise HadeployError(
            f"{engine.name} wrote another image: {archive.problem or content}",
            operation=f"saving {reference} for {architecture}",
            hint=f"check that {registry_of(reference)} has the image for {architecture}",
        )


def _run(command: list[str], operation: str, seconds: float, reference: str = "") -> str:
    """Run an engine in the environment of the user, which has the proxies and logins.

    Args:
        command: of the engine.
        operation: for the error.
        seconds: the time limit.
        reference: of the image, if the command pulls it; for the hint.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise HadeployError(
            f"{command[0]} took longer than {seconds:g} s", operation=operation
        ) from error
    if done.returncode:
        raise HadeployError(
            f"{command[0]} failed with exit status {done.returncode}",
            operation=operation,
            detail=(done.stderr or done.stdout).strip()[-1500:] or None,
            hint=_login_hint(command[0], reference),
        )
    return done.stdout


def _login_hint(program: str, reference: str) -> str | None:
    if not reference:
        return None
    return (
        f"check that this machine reaches {registry_of(reference)} and that the image exists; if a "
        f"login is required: {program} login {registry_of(reference)}"
    )
