"""A real registry on the lab's own bridge, with or without a login."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from hadeploy.lab.images.store import ensure_image
from hadeploy.lab.lab import Lab
from tests.lab.harness import eventually

PORT = 5000


@dataclass(frozen=True)
class Registry:
    """One that runs.

    Attributes:
        where: host:port.
        folder: for files outside the configuration of this machine's engines.
        login: user and password, or None.
    """

    where: str
    folder: Path
    login: tuple[str, str] | None

    def put(self, reference: str, under: str = "") -> str:
        """Have it hold an image of the lab's; returns what it is called there."""
        name = f"{self.where}/{under}{reference}"
        creds = ["--dest-creds", ":".join(self.login)] if self.login else []
        source = f"docker-archive:{ensure_image(reference)}"
        command = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", *creds]
        subprocess.run([*command, source, f"docker://{name}"], check=True)
        return name

    def digest(self, reference: str, under: str = "") -> str:
        """By which digest it holds an image of the lab's: `sha256:…`."""
        creds = ["--creds", ":".join(self.login)] if self.login else []
        command = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", *creds]
        name = f"docker://{self.where}/{under}{reference}"
        return subprocess.run(
            [*command, name], check=True, capture_output=True, text=True
        ).stdout.strip()

    def for_skopeo(self) -> dict[str, str]:
        """The environment in which skopeo can use it: plain HTTP and a login."""
        insecure = self.folder / ".config/containers/registries.conf"
        insecure.parent.mkdir(parents=True)
        insecure.write_text(f'[[registry]]\nlocation = "{self.where}"\ninsecure = true\n')
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "skopeo").symlink_to(shutil.which("skopeo") or "skopeo")
        environment = {
            # Whatever else this machine has comes first.
            "PATH": str(programs),
            "HOME": str(self.folder),
            "REGISTRY_AUTH_FILE": str(self.folder / "auth.json"),
        }
        if self.login:
            user, password = self.login
            file = environment["REGISTRY_AUTH_FILE"]
            command = ["skopeo", "login", "--tls-verify=false", "--authfile", file]
            subprocess.run(
                [*command, "--username", user, "--password-stdin", self.where],
                input=password,
                text=True,
                check=True,
            )
        return environment


@contextmanager
def serving(lab: Lab, folder: Path, login: tuple[str, str] | None = None) -> Iterator[Registry]:
    """Run an empty one for as long as the body lasts."""
    where = f"{lab.addressing.controller.v4.ip}:{PORT}"
    auth = ""
    if login:
        user, password = login
        users = folder / "htpasswd"
        users.write_text(f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()}\n")
        auth = f"auth:\n  htpasswd:\n    realm: lab\n    path: {users}\n"
    config = folder / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {folder}/images\n"
        f"http:\n  addr: {where}\nlog:\n  level: error\n{auth}"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        answers = ["curl", "--silent", "--output", "/dev/null", f"http://{where}/v2/"]
        eventually(
            lambda: subprocess.run(answers, check=False).returncode == 0, "the registry answers"
        )
        yield Registry(where, folder, login)
    finally:
        process.terminate()
        process.wait()
