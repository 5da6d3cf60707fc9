"""Programs that start a stopped container again, recognised by its labels. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hadeploy.observe.autostart_files import LABEL_ENGINE
from hadeploy.observe.container import ObservedContainer

_COMPOSE = "com.docker.compose."


@dataclass(frozen=True)
class Manager:
    """A program that starts a container again.

    Attributes:
        name: its name in messages.
        stop: how to stop the container with it.
    """

    name: str
    stop: str


# Prefix of a label → name, advice, and the labels that name the object to stop.
_MANAGERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "io.kubernetes.": (
        "the kubelet",
        "move its manifest out of /etc/kubernetes/manifests (or delete the owner of the pod: "
        "kubectl get pod{0} --all-namespaces), and wait until the container is gone",
        ("io.kubernetes.pod.name",),
    ),
    "com.docker.swarm.": (
        "Docker swarm",
        "docker service rm{0}",
        ("com.docker.swarm.service.name",),
    ),
    "com.hashicorp.nomad.": ("Nomad", "nomad job stop{0}", ("com.hashicorp.nomad.job_name",)),
    LABEL_ENGINE: (
        "another engine than Docker",
        "stop it with the tools of that engine (crictl, nerdctl, podman){0}",
        (),
    ),
    "com.amazonaws.ecs.": (
        "the ECS agent",
        "stop its task or service in ECS{0}",
        (),
    ),
}


def manager_of(container: ObservedContainer) -> Manager | None:
    """The manager of a container, or None."""
    labels = _labels(container)
    for prefix, (name, stop, naming) in _MANAGERS.items():
        if any(label.startswith(prefix) for label in labels):
            named = "".join(f" {_shown(labels[label])}" for label in naming if label in labels)
            return Manager(name, stop.format(named))
    return None


def compose_project(container: ObservedContainer) -> str:
    """The docker compose project of a container, with its directory, or ""."""
    labels = _labels(container)
    project = _shown(labels.get(f"{_COMPOSE}project", ""))
    folder = _shown(labels.get(f"{_COMPOSE}project.working_dir", ""))
    return f"{project}{f' ({folder})' if folder else ''}" if project else ""


def _shown(value: str) -> str:
    """A label's value without control characters, at most 200 characters."""
    return "".join(c if c.isprintable() else "?" for c in value[:200])


def _labels(container: ObservedContainer) -> Mapping[str, str]:
    labels: Mapping[str, str] = container.raw.get("Config", {}).get("Labels") or {}
    return labels
