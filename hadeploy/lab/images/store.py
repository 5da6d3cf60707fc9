"""Image archives: from the cache, from this machine's Docker, or built from packages."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files as package_files
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.parts import HaproxyImage, KeepalivedImage
from hadeploy.lab.images import rootfs
from hadeploy.lab.images.archive import layer, write_archive
from hadeploy.lab.images.recipes import RECIPES, Recipe
from hadeploy.lab.state import cache_root, locked
from hadeploy.lab.tools import run_tool

STAND_INS = {"haproxy": "haproxy:2.6.12", "keepalived": "osixia/keepalived:2.2.7"}
REAL_IMAGES = {"haproxy": HaproxyImage().reference, "keepalived": KeepalivedImage().reference}
# Increase it after a change of the build, so that old archives are not reused.
_FORMAT = 1
HOST_ENGINE = Path("/run/docker.sock")


def content_key(recipe: Recipe, architecture: str) -> str:
    """A hash of the recipe and of the files that it copies."""
    digest = hashlib.sha256(
        json.dumps([_FORMAT, architecture, asdict(recipe)], sort_keys=True).encode()
    )
    for copied in recipe.files.values():
        digest.update((package_files("hadeploy.lab.images") / "files" / copied.source).read_bytes())
    return digest.hexdigest()[:16]


def lab_images() -> dict[str, str]:
    """Role → reference: the real image if this machine's Docker has it, otherwise a stand-in."""
    return {
        role: real if host_image(real) else STAND_INS[role] for role, real in REAL_IMAGES.items()
    }


def ensure_image(
    reference: str,
    report: Callable[[str], None] = lambda _: None,
    engine: Path = HOST_ENGINE,
) -> Path:
    """The archive of an image for `docker load`, built if it is not in the cache.

    Args:
        reference: of an image that has a recipe or is in this machine's Docker.
        report: receives the current work.
        engine: the socket of this machine's Docker.

    Raises:
        HadeployError: the image is unknown or could not be built.
    """
    architecture = _architecture()
    recipe = RECIPES.get(reference)
    real = None if recipe else host_image(reference, engine)
    if recipe is None and real is None:
        raise HadeployError(
            f"{reference} has no recipe and is not in this machine's Docker",
            operation="building a lab image",
            hint=f"images with a recipe: {', '.join(RECIPES)}",
            code=ExitCode.USAGE,
        )
    key = content_key(recipe, architecture) if recipe else f"host-{real}"
    folder = cache_root()
    target = folder / f"{reference.replace('/', '-').replace(':', '-')}-{key}.tar"
    if target.exists():
        return target
    with locked(folder / ".making" / target.name, operation=f"building the image {reference}"):
        if target.exists():
            return target
        making = folder / ".making" / target.name
        for left in making.iterdir():
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=making) as scratch:
            draft = Path(scratch) / "image.tar"
            if recipe is None:
                report(f"saving the image {reference} from this machine's Docker")
                save = (*_docker(engine), "save", "-o", str(draft), reference)
                run_tool(save, operation="saving the real image", timeout=300)
            else:
                report(f"building the image {reference} from Debian packages")
                _make(recipe, Path(scratch), draft, architecture)
            draft.replace(target)
    return target


def _architecture() -> str:
    operation = "reading the architecture of this machine"
    return run_tool(("dpkg", "--print-architecture"), operation=operation).strip()


def host_image(reference: str, engine: Path = HOST_ENGINE) -> str | None:
    """The id of an image in this machine's Docker, or None; does not change Docker."""
    if not engine.exists() or not shutil.which("docker"):
        return None
    inspect = (*_docker(engine), "image", "inspect", "--format", "{{.Id}}", reference)
    try:
        identity = run_tool(inspect, operation="looking for the real image", timeout=10)
    except HadeployError:
        return None
    return identity.strip().removeprefix("sha256:")[:16]


def _docker(engine: Path) -> tuple[str, ...]:
    return ("docker", "--host", f"unix://{engine}")


def _make(recipe: Recipe, scratch: Path, draft: Path, architecture: str) -> None:
    root = scratch / "root"
    rootfs.unpack(recipe, root)
    rootfs.check_version(recipe, root)
    write_archive(
        draft,
        reference=recipe.reference,
        layer_tar=layer(rootfs.entries(recipe, root)),
        config=recipe.config,
        architecture=architecture,
    )
