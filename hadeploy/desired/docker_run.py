"""Command lines of `docker run`, as data."""

from __future__ import annotations

import dataclasses
import hashlib
import json

from hadeploy.desired.desired_node import LABEL_CLUSTER, LABEL_ROLE, LABEL_SPEC, Container


def specification(container: Container) -> str:
    """A hash of the whole command line, for the label of the container."""
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
    return [*command, *_limits(container), *_sandbox(container)]


def _limits(container: Container) -> list[str]:
    """The options for the log and for resource limits, which an engine may reject."""
    command = ["--log-driver", "json-file"]
    command += ["--log-opt", f"max-size={container.log_max_size}"]
    command += ["--log-opt", f"max-file={container.log_max_file}"]
    if container.nofile is not None:
        command += ["--ulimit", f"nofile={container.nofile}:{container.nofile}"]
    if container.file_size is not None:
        size = container.file_size * 2**20
        command += ["--ulimit", f"fsize={size}:{size}"]
    return [*command, "--pids-limit", str(container.pids), "--memory", f"{container.memory}m"]


def trial_arguments(container: Container) -> list[str]:
    """`docker run` to validate a file on stdin with the image that would run it.

    haproxy reads stdin. keepalived needs a file, and next to it a check script, which it inspects
    but does not run.

    Args:
        container: the container of the file; no directory of the node is mounted.
    """
    config = container.mounts[0][1]
    command = ["docker", "run", "--pull", "never", "--rm", "--interactive", "--network", "host"]
    command += _limits(container)
    if container.role == "haproxy":
        # As in the real container, the mount hides the files of the image.
        trial = dataclasses.replace(container, mounts=(), tmpfs=(*container.tmpfs, config))
        return [*command, *_sandbox(trial), container.image, "-c", "-f", "/dev/stdin"]
    # keepalived rejects scripts that are not executable, or that other users may write.
    folders = tuple(f"{target}:exec,mode=755" for _, target, _ in container.mounts)
    trial = dataclasses.replace(
        container, mounts=(), tmpfs=(*container.tmpfs, *folders), entrypoint="bash"
    )
    return [
        *command,
        *_sandbox(trial),
        container.image,
        "-c",
        _KEEPALIVED_TRIAL,
        "bash",
        config,
        *validation_of(container),
    ]


_KEEPALIVED_TRIAL = """umask 022
cat >"$1/keepalived.conf" && echo '#!/bin/bash' >"$1/check-haproxy.sh" &&
    chmod 755 "$1/check-haproxy.sh" && shift && exec keepalived "$@"
"""


def validate_arguments(container: Container, config_root: str, arguments: list[str]) -> list[str]:
    """`docker run` to validate staged files with the image that will run them.

    Args:
        container: the container of the files.
        config_root: the directory on the node that replaces the cluster's directory.
        arguments: replace the arguments of the container.
    """
    first, *others = container.mounts
    staged = f"{config_root}/{first[0].rpartition('/')[2]}"
    trial = dataclasses.replace(container, mounts=((staged, *first[1:]), *others))
    command = ["docker", "run", "--pull", "never", "--rm", "--network", "host"]
    command += _limits(container)
    return [*command, *_sandbox(trial), container.image, *arguments]


def validation_of(container: Container) -> list[str]:
    """The arguments with which a program validates its configuration.

    `haproxy -c` (management guide, 3) and `keepalived -t` (keepalived(8)).
    """
    config = container.mounts[0][1]
    if container.role == "haproxy":
        return ["-c", "-f", f"{config}/haproxy.cfg"]
    return ["--config-test", f"--use-file={config}/keepalived.conf"]


def _sandbox(container: Container) -> list[str]:
    """The options for privileges and mounts."""
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
