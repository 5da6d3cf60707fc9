"""docker command lines, as data; nothing is run here."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from hadeploy.desired.model import LABEL_CLUSTER, LABEL_ROLE, LABEL_SPEC, Container


def specification(container: Container) -> str:
    """A hash of the whole command line, which goes on the container as a label."""
    text = json.dumps([*_engine_arguments(container), container.image, *container.arguments])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_arguments(container: Container) -> list[str]:
    """`docker run` for a long-lived container."""
    command = _engine_arguments(container)
    command += ["--label", f"{LABEL_SPEC}={specification(container)}"]
    return [*command, container.image, *container.arguments]


def _engine_arguments(container: Container) -> list[str]:
    command = ["docker", "run", "--pull", "never", "--detach", "--name", container.name]
    command += ["--restart", "unless-stopped", "--network", "host"]
    command += ["--label", f"{LABEL_CLUSTER}={container.cluster}"]
    command += ["--label", f"{LABEL_ROLE}={container.role}"]
    command += ["--stop-signal", container.stop_signal]
    command += ["--stop-timeout", str(container.stop_timeout)]
    command += ["--log-driver", "json-file"]
    command += ["--log-opt", f"max-size={container.log_max_size}"]
    command += ["--log-opt", f"max-file={container.log_max_file}"]
    if container.nofile is not None:
        command += ["--ulimit", f"nofile={container.nofile}:{container.nofile}"]
    return [*command, *_sandbox(container)]


def validate_arguments(container: Container, config_root: str, arguments: list[str]) -> list[str]:
    """`docker run` for a check of staged files by the image that will run them.

    Args:
        container: the one whose files are checked.
        config_root: the folder on the node that stands in for the cluster's folder.
        arguments: the program's, instead of the container's own.
    """
    first, *others = container.mounts
    staged = f"{config_root}/{first[0].rpartition('/')[2]}"
    trial = dataclasses.replace(container, mounts=((staged, *first[1:]), *others))
    command = ["docker", "run", "--pull", "never", "--rm", "--network", "host"]
    if container.nofile is not None:
        command += ["--ulimit", f"nofile={container.nofile}:{container.nofile}"]
    return [*command, *_sandbox(trial), container.image, *arguments]


def validation_of(container: Container) -> list[str]:
    """The arguments with which a program checks its configuration and ends.

    `haproxy -c` (management guide, 3) and `keepalived -t` (keepalived(8)).
    """
    config = container.mounts[0][1]
    if container.role == "haproxy":
        return ["-c", "-f", f"{config}/haproxy.cfg"]
    return ["--config-test", f"--use-file={config}/keepalived.conf"]


def _sandbox(container: Container) -> list[str]:
    """What the program may see and do."""
    command = ["--read-only", "--security-opt", "no-new-privileges", "--cap-drop", "ALL"]
    for capability in container.capabilities:
        command += ["--cap-add", capability]
    if container.user is not None:
        command += ["--user", container.user]
    for source, target, access in container.mounts:
        command += ["--volume", f"{source}:{target}:{access}"]
    for path in container.tmpfs:
        command += ["--tmpfs", path]
    return [*command, "--entrypoint", container.entrypoint]
