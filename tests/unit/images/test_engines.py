"""What the operator's own engine is asked to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadeploy.images.engines import Engine, inspect, pull, save

FILE = Path("/x/image.tar")
NAME = "docker.io/library/haproxy:3"


@pytest.mark.parametrize(
    ("engine", "pulls", "saves"),
    [
        (
            Engine("docker", "1.41"),
            f"docker pull --platform linux/arm64 {NAME}",
            f"docker save --output /x/image.tar {NAME}",
        ),
        (
            Engine("docker", "1.48"),
            f"docker pull --platform linux/arm64 {NAME}",
            f"docker save --platform linux/arm64 --output /x/image.tar {NAME}",
        ),
        (
            Engine("podman"),
            f"podman pull --platform linux/arm64 {NAME}",
            f"podman save --format docker-archive --output /x/image.tar {NAME}",
        ),
        (
            Engine("nerdctl"),
            f"nerdctl pull --platform linux/arm64 {NAME}",
            f"nerdctl save --platform linux/arm64 --output /x/image.tar {NAME}",
        ),
        (
            Engine("skopeo"),
            None,
            "skopeo copy --override-os linux --override-arch arm64"
            f" docker://{NAME} docker-archive:/x/image.tar:{NAME}",
        ),
    ],
)
def test_the_messages_of_each_engine(engine: Engine, pulls: str | None, saves: str) -> None:
    pulling = pull(engine, "haproxy:3", "arm64")
    assert (" ".join(pulling) if pulling else None) == pulls
    assert (inspect(engine, "haproxy:3") is None) == (pulls is None)
    assert " ".join(save(engine, "haproxy:3", "arm64", FILE)) == saves


# The shim that calls podman docker answers with podman's version.
@pytest.mark.parametrize(
    ("said", "chooses"),
    [
        ("1.47", False),
        ("1.48", True),
        ("1.50", True),
        ("4.3.1", False),
        ("5.0", False),
        ("", False),
    ],
)
def test_a_platform_is_chosen_where_the_engine_understands_it(said: str, chooses: bool) -> None:
    assert Engine("docker", said).save_takes_platform is chooses
