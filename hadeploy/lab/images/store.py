"""Getting an image archive: from the cache, from this machine's Docker, or made from packages."""

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
from hadeploy.lab.images import rootfs
from hadeploy.lab.images.archive import layer, write_archive
from hadeploy.lab.images.recipes import RECIPES, Recipe
from hadeploy.lab.state import cache_root, locked
from hadeploy.lab.tools import run_tool

LAB_IMAGES = {"haproxy": "haproxy:2.6.12", "keepalived": "osixia/keepalived:2.2.7"}
# Counts up when the way of making changes, so that old archives are not taken for new ones.
_FORMAT = 1


def content_key(recipe: Recipe, architecture: str) -> str:
    """A name for exactly this content: a hash of the recipe and of our files in it."""
    digest = hashlib.sha256(
        json.dumps([_FORMAT, architecture, asdict(recipe)], sort_keys=True).encode()
    )
    for copied in recipe.files.values():
        digest.update((package_files("hadeploy.lab.images") / "files" / copied.source).read_bytes())
    return digest.hexdigest()[:16]


def ensure_image(reference: str, report: Callable[[str], None] = lambda _: None) -> Path:
    """The archive of an image, made now if the cache does not have it.

    Args:
        reference: one that there is a recipe for, or that this machine's Docker has.
        report: told what is being done, if it takes long.

    Returns:
        A file for `docker load`.

    Raises:
        HadeployError: there is no such image, or it could not be made.
    """
    architecture = _architecture()
    recipe = RECIPES.get(reference)
    key = content_key(recipe, architecture) if recipe else "host"
    folder = cache_root()
    target = folder / f"{reference.replace('/', '-').replace(':', '-')}-{key}.tar"
    if target.exists():
        return target
    with locked(folder / ".making" / target.name, doing=f"making the image {reference}"):
        if target.exists():
            return target
        making = folder / ".making" / target.name
        for left in making.iterdir():
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=making) as scratch:
            draft = Path(scratch) / "image.tar"
            if not _save_from_host(reference, draft):
                if recipe is None:
                    raise HadeployError(
                        f"there is no recipe for {reference}",
                        doing="making a lab image",
                        hint=f"there are {', '.join(RECIPES)}",
                        code=ExitCode.USAGE,
                    )
                report(f"making the image {reference} from Debian packages")
                _make(recipe, Path(scratch), draft, architecture)
            draft.replace(target)
    return target


def _architecture() -> str:
    asking = "asking for this machine's architecture"
    return run_tool(("dpkg", "--print-architecture"), doing=asking).strip()


def _save_from_host(reference: str, draft: Path) -> bool:
    """Take the real image where this machine has it; its Docker is only read, never written."""
    if not Path("/run/docker.sock").exists() or not shutil.which("docker"):
        return False
    inspect = ("docker", "image", "inspect", "--format", "{{.Id}}", reference)
    try:
        run_tool(inspect, doing="looking for the real image", timeout=10)
        save = ("docker", "save", "-o", str(draft), reference)
        run_tool(save, doing="saving the real image", timeout=300)
    except HadeployError:
        return False
    return True


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
