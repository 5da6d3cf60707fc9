"""The commands that examples/fleet has other engines run, read from their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[2] / "examples" / "fleet"


def loaded(name: str) -> Any:
    """One of the example files."""
    return YAML(typ="safe", pure=True).load((FOLDER / name).read_text())


def ci_scripts() -> tuple[str, str]:
    """The shell of the CI's steps: the one that lists the inventories, and that of each of them."""
    jobs = loaded("github-actions.yaml")["jobs"]
    steps = {
        step["id"]: step["run"] for job in jobs.values() for step in job["steps"] if "id" in step
    }
    return steps["list"], steps["up"]


def job_command(cluster: str) -> list[str]:
    """The command in the pod of a cluster's Job."""
    text = (FOLDER / "job.yaml").read_text().replace("CLUSTER", cluster)
    (container,) = YAML(typ="safe", pure=True).load(text)["spec"]["template"]["spec"]["containers"]
    return [str(word) for word in container["command"]]


def awx_command(inventory: str) -> list[str]:
    """The command that the play runs for a cluster."""
    ((play,), known) = loaded("awx.yaml"), "{{ hadeploy_inventory }}"
    (task,) = play["tasks"]
    words = task["ansible.builtin.command"]["argv"]
    return [str(word).replace(known, inventory) for word in words]
