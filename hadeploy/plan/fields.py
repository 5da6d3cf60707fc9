"""In which fields a container differs from its specification. Pure."""

from __future__ import annotations

from typing import Any

from hadeploy.desired.desired_node import Container
from hadeploy.observe.observed_node import ObservedContainer

# What engines of all ages tell in one and the same form, so that a difference is one: for these the
# label is not believed, since `docker update` changes them and leaves the label as it is.
SURE = ("image", "entrypoint", "arguments", "restart", "network", "read-only", "privileged")


def wanted_fields(container: Container) -> dict[str, Any]:
    """A specification by field, in the form of `docker container inspect`."""
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


def found_fields(there: ObservedContainer) -> dict[str, Any]:
    """What a container was made with, by field."""
    config, host = there.raw.get("Config", {}), there.raw.get("HostConfig", {})
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
    """A tmpfs as the specification has it; Podman adds its own options."""
    size = next((o for o in options.split(",") if o.startswith("size=")), None)
    return f"{path}:{size}" if size else path


def changed_fields(container: Container, there: ObservedContainer) -> dict[str, tuple[Any, Any]]:
    """Field → (what it is, what it should be), for those that differ."""
    found = found_fields(there)
    return {
        name: (found[name], value)
        for name, value in wanted_fields(container).items()
        if found[name] != value
    }
