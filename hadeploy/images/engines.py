"""Command lines of the container engines on this machine. Pure.

hadeploy tries the engines in this order. skopeo stores no images; the others may have the image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hadeploy.inventory.references import full

ENGINES = ("docker", "podman", "nerdctl", "skopeo")
# Since this API version (Docker 28), `docker save` has --platform.
SAVE_PLATFORM_API = (1, 48)


@dataclass(frozen=True)
class Engine:
    """An engine that works on this machine.

    Attributes:
        name: of its program.
        probe_output: the output of `probe`; for docker, the API version.
    """

    name: str
    probe_output: str = ""

    @property
    def save_takes_platform(self) -> bool:
        """Whether its `save` command takes --platform."""
        if self.name == "nerdctl":
            return True
        words = self.probe_output.split(".")
        # podman may be installed as docker; it reports its own version.
        has_api_version = (
            self.name == "docker" and len(words) == 2 and all(w.isdigit() for w in words)
        )
        return has_api_version and SAVE_PLATFORM_API <= (int(words[0]), int(words[1])) < (2, 0)


def probe(name: str) -> list[str]:
    """The command fails if the engine does not work; docker prints its API version."""
    if name == "docker":
        return ["docker", "version", "--format", "{{.Client.APIVersion}}"]
    return [name, "--version" if name == "skopeo" else "info"]


def inspect(engine: Engine, reference: str) -> list[str] | None:
    """The command prints the architecture of a stored image; None: the engine stores no images."""
    if engine.name == "skopeo":
        return None
    return [engine.name, "image", "inspect", "--format", "{{.Architecture}}", full(reference)]


def pull(engine: Engine, reference: str, architecture: str) -> list[str] | None:
    """The command pulls an image; None if the engine pulls when it saves."""
    if engine.name == "skopeo":
        return None
    return [engine.name, "pull", "--platform", f"linux/{architecture}", full(reference)]


def save(engine: Engine, reference: str, architecture: str, target: Path) -> list[str]:
    """The command writes an archive for `docker load`.

    Args:
        engine: of this machine.
        reference: with a tag; the registry is added, because podman and skopeo need it.
        architecture: in the notation of images, such as amd64.
        target: a file that does not exist.
    """
    name = full(reference)
    if engine.name == "skopeo":
        platform = ["--override-os", "linux", "--override-arch", architecture]
        return ["skopeo", "copy", *platform, f"docker://{name}", f"docker-archive:{target}:{name}"]
    command = [engine.name, "save"]
    if engine.name == "podman":
        command += ["--format", "docker-archive"]
    if engine.save_takes_platform:
        command += ["--platform", f"linux/{architecture}"]
    return [*command, "--output", str(target), name]
