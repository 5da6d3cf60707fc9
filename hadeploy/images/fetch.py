"""Images fetched on this machine, with whatever engine it has, and written as archives."""

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
# An image through a slow line.
FETCH_SECONDS = 3600


def find_engine() -> Engine:
    """The first engine of this machine that works.

    Raises:
        HadeployError: none does; it says what was tried.
    """
    tried = []
    for name in ENGINES:
        if shutil.which(name) is None:
            tried.append(f"{name}: not installed")
            continue
        try:
            return Engine(name, _run(engines.probe(name), f"asking {name}", PROBE_SECONDS).strip())
        except HadeployError as error:
            tried.append(f"{name}: {error.detail or error.message}")
    raise HadeployError(
        "there is no engine on this machine that works",
        operation="fetching the images",
        detail="\n".join(tried),
        hint=f"install or start one of {', '.join(ENGINES)}; or run `hadeploy images save` where "
        "there is one, and name its archives in images.*.archive",
        code=ExitCode.USAGE,
    )


def fetch(
    engine: Engine, reference: str, architecture: str, target: Path, progress: Progress
) -> int:
    """Write the archive of an image, compressed; what was there is replaced when it is complete.

    An image that the engine has already is not pulled again.

    Args:
        engine: of this machine.
        reference: of the image.
        architecture: as images say it.
        target: the file to write.
        progress: told what it waits for.

    Returns:
        How many bytes it has.

    Raises:
        HadeployError: the image cannot be had, or the archive not be written.
    """
    operation = f"saving {reference} for {architecture}"
    if "@" in reference:
        raise HadeployError(
            "an archive keeps no digests, so the nodes would not find the image in it",
            operation=operation,
            hint="name the image by a tag",
            code=ExitCode.USAGE,
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".saving-") as scratch:
            draft, packed = Path(scratch) / "image.tar", Path(scratch) / target.name
            if not _there(engine, reference, architecture):
                _pull(engine, reference, architecture, progress)
            progress.waiting(f"{engine.name} writes {target.name}")
            # skopeo pulls as it saves.
            pulled = reference if engine.name == "skopeo" else ""
            command = engines.save(engine, reference, architecture, draft)
            _run(command, operation, FETCH_SECONDS, pulled)
            _prove(draft, reference, architecture, engine)
            compress(draft, packed)
            packed.replace(target)
        return target.stat().st_size
    except OSError as error:
        raise HadeployError(
            f"{error.filename or target}: {error.strerror}",
            operation=operation,
            hint="--output FOLDER names another folder",
        ) from error


def _there(engine: Engine, reference: str, architecture: str) -> bool:
    command = engines.has(engine, reference)
    if command is None:
        return False
    try:
        return _run(command, f"asking {engine.name}", PROBE_SECONDS).strip() == architecture
    except HadeployError:
        return False


def _pull(engine: Engine, reference: str, architecture: str, progress: Progress) -> None:
    command = engines.pull(engine, reference, architecture)
    if command:
        progress.waiting(f"{engine.name} pulls {reference}")
        _run(command, f"pulling {reference} for {architecture} here", FETCH_SECONDS, reference)


def _prove(draft: Path, reference: str, architecture: str, engine: Engine) -> None:
    archive = read_archive(draft)
    has = archive.architecture(reference)
    if archive.problem or has not in (architecture, ""):
        holds = ", ".join(f"{name} ({of})" for name, of in archive.images.items()) or "nothing"
        raise HadeployError(
            f"{engine.name} wrote another image: {archive.problem or holds}",
            operation=f"saving {reference} for {architecture}",
            hint=f"is there one for {architecture} at {registry_of(reference)}?",
        )


def _run(command: list[str], operation: str, seconds: float, reference: str = "") -> str:
    """Run an engine, with the user's own environment: it knows his proxies and logins.

    Args:
        command: of the engine.
        operation: for the error.
        seconds: that it may take.
        reference: of the image that it pulls, if it does, for the error.
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
            f"{command[0]} ended with exit code {done.returncode}",
            operation=operation,
            detail=(done.stderr or done.stdout).strip()[-1500:] or None,
            hint=_login_hint(command[0], reference),
        )
    return done.stdout


def _login_hint(program: str, reference: str) -> str | None:
    if not reference:
        return None
    return (
        f"is {registry_of(reference)} reachable from here, and is the image there? If it wants a "
        f"login: {program} login {registry_of(reference)}"
    )
