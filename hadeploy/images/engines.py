"""Command lines of the engines that an operator's own machine may have, as data; nothing is run.

They are tried in this order. skopeo keeps no images; the others may have one already.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hadeploy.inventory.references import full

ENGINES = ("docker", "podman", "nerdctl", "skopeo")
# From here on `docker save` may have several platforms to choose from (API 1.48, Docker 28).
SAVE_CHOOSES = (1, 48)


@dataclass(frozen=True)
class Engine:
    """One that is there and answers.

    Attributes:
        name: of its program.
        said: what it said when it was asked whether it works.
    """

    name: str
    said: str = ""

    @property
    def save_chooses(self) -> bool:
        """Whether its `save` is to be told the platform."""
        if self.name == "nerdctl":
            return True
        words = self.said.split(".")
        # podman calls itself docker, too, and counts its API by its own version.
        known = self.name == "docker" and len(words) == 2 and all(w.isdigit() for w in words)
        return known and SAVE_CHOOSES <= (int(words[0]), int(words[1])) < (2, 0)


def probe(name: str) -> list[str]:
    """Fails where the engine does not work; docker's answer is the version that it speaks."""
    if name == "docker":
        return ["docker", "version", "--format", "{{.Client.APIVersion}}"]
    return [name, "--version" if name == "skopeo" else "info"]


def has(engine: Engine, reference: str) -> list[str] | None:
    """Prints the architecture of an image that the engine has; None where it keeps none."""
    if engine.name == "skopeo":
        return None
    return [engine.name, "image", "inspect", "--format", "{{.Architecture}}", full(reference)]


def pull(engine: Engine, reference: str, architecture: str) -> list[str] | None:
    """Pulls an image for an architecture; None where that is one with writing the archive."""
    if engine.name == "skopeo":
        return None
    return [engine.name, "pull", "--platform", f"linux/{architecture}", full(reference)]


def save(engine: Engine, reference: str, architecture: str, target: Path) -> list[str]:
    """Writes an archive that `docker load` takes.

    Args:
        engine: whichever there is.
        reference: with a tag; podman and skopeo guess no registry.
        architecture: as images say it.
        target: a file that does not exist.
    """
    name = full(reference)
    if engine.name == "skopeo":
        choose = ["--override-os", "linux", "--override-arch", architecture]
        return ["skopeo", "copy", *choose, f"docker://{name}", f"docker-archive:{target}:{name}"]
    command = [engine.name, "save"]
    if engine.name == "podman":
        command += ["--format", "docker-archive"]
    if engine.save_chooses:
        command += ["--platform", f"linux/{architecture}"]
    return [*command, "--output", str(target), name]
