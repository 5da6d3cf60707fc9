"""The fields in which a container differs from its specification. Pure."""

from __future__ import annotations

from typing import Any

from hadeploy.desired.desired_node import Container
from hadeploy.observe.container import ObservedContainer

# All engines print these fields in the same form, so they are compared even if the label matches:
# `docker update` changes them but not the label.
SURE = ("image", "entrypoint", "arguments", "restart", "network", "read-only", "privileged")


def wanted_fields(container: Container) -> dict[str, Any]:
    """A specification by field, in the format of `docker container inspect`."""
    return {
        "image": container.image,
        "entrypoint": [container.entrypoint],
        "arguments": list(container.arguments),
        "restart": "unless-stopped",
        "network": "host",
        "read-only": True,
        "privileged": False,
        "mounts": sorted(":".join(mount) for mount in container.mounts),
        "tmpfs": sorted(container.tmpfs),
        "capabilities": sorted(container.capabilities),
        "nofile": container.nofile,
        "file size": container.file_size and container.file_size * 2**20,
        "pids": container.pids,
        "memory": container.memory * 2**20,
        "stop signal": container.stop_signal,
        "stop timeout": container.stop_timeout,
        "log options": {
            "max-file": str(container.log_max_file),
            "max-size": container.log_max_size,
        },
        **({"user": container.user} if container.user else {}),
    }


def found_fields(current: ObservedContainer) -> dict[str, Any]:
    """The specification of an existing container, by field."""
    config, host = current.raw.get("Config", {}), current.raw.get("HostConfig", {})
    limits = {u["Name"]: u["Hard"] for u in host.get("Ulimits") or []}
    return {
        "image": config.get("Image"),
        "entrypoint": config.get("Entrypoint") or [],
        "arguments": config.get("Cmd") or [],
        "restart": (host.get("RestartPolicy") or {}).get("Name"),
        "network": host.get("NetworkMode"),
        "read-only": host.get("ReadonlyRootfs", False),
        "privileged": host.get("Privileged", False),
        "mounts": sorted(host.get("Binds") or []),
        "tmpfs": sorted(_with_size(*item) for item in (host.get("Tmpfs") or {}).items()),
        "capabilities": sorted(c.removeprefix("CAP_") for c in host.get("CapAdd") or []),
        "nofile": limits.get("nofile"),
        "file size": limits.get("fsize"),
        "pids": host.get("PidsLimit"),
        "memory": host.get("Memory"),
        "stop signal": config.get("StopSignal"),
        "stop timeout": config.get("StopTimeout"),
        "log options": (host.get("LogConfig") or {}).get("Config") or {},
        "user": config.get("User"),
    }


def _with_size(path: str, options: str) -> str:
    """A tmpfs in the format of the specification, without the options that Podman adds."""
    size = next((o for o in options.split(",") if o.startswith("size=")), None)
    return f"{path}:{size}" if size else path


def changed_fields(container: Container, current: ObservedContainer) -> dict[str, tuple[Any, Any]]:
    """Field → (current value, desired value), for the fields that differ."""
    found = found_fields(current)
    return {
        name: (found[name], value)
        for name, value in wanted_fields(container).items()
        if found[name] != value
    }
