"""Measure the outage when the holder fails, and write the tables of docs/failover.md.

    sudo .venv/bin/python benchmarks/failover.py

It creates a lab with five nodes and repeats `hadeploy drill` with both failover profiles. Then it
applies each kind of load for two minutes and counts the changes of keepalived's state.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
from ruamel.yaml import YAML

from benchmarks.bench import DOCUMENTS, bench_lab, machine, tell, write
from benchmarks.document import Markers
from benchmarks.load import LOADS, load
from hadeploy.errors import HadeployError
from hadeploy.lab.lab import Lab

DOCUMENT = DOCUMENTS / "failover.md"
KEEPALIVED = "kube-lb-keepalived"
PROFILES = ("standard", "fast")
SCENARIOS = ("haproxy-stop", "haproxy-kill", "haproxy-hang", "link-down")
NODES = 5
RATE = "200"
# Maximum outage in seconds: median and worst, by profile and scenario.
TARGETS = {
    ("fast", "haproxy-stop"): (0.3, 0.6),
    ("fast", "haproxy-kill"): (0.3, 0.6),
    ("fast", "link-down"): (0.3, 0.6),
    ("standard", "haproxy-stop"): (1.5, 1.5),
    ("standard", "link-down"): (3.5, 3.5),
}
# Profiles that must not change state under load. With ten adverts a second, a delay of 0.3 s
# already causes a takeover.
STEADY = ("standard",)
_HEAD = (
    "| profile | what fails on the holder | drills | median | worst | noticed | requests failed |",
    "|---|---|--:|--:|--:|--:|--:|",
)
_LOAD_HEAD = (
    "| profile | load on the machine of all nodes | load average | changes of state |",
    "|---|---|--:|--:|",
)


@click.command()
@click.option(
    "--lab", "name", default="failover", show_default=True, help="Create a lab of this name."
)
@click.option("--use-lab", help="Use this lab, and keep it.")
@click.option("--repeat", default=20, show_default=True, help="Number of drills for each.")
@click.option("--load-seconds", default=120, show_default=True, help="Duration of each load.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DOCUMENT,
    help="Output file. Default: docs/failover.md.",
)
def main(name: str, use_lab: str | None, repeat: int, load_seconds: int, output: Path) -> None:
    """Measure both failover profiles; exit with 1 if one misses a target."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    lines: list[str] = [*_HEAD]
    loads: list[str] = [*_LOAD_HEAD]
    missed: list[str] = []
    try:
        with (
            bench_lab(name, use_lab, (), nodes=NODES) as lab,
            tempfile.TemporaryDirectory(prefix="failover-") as scratch,
        ):
            for profile in PROFILES:
                inventory = _inventory(lab, Path(scratch), profile)
                _hadeploy(inventory, "up", "--json")
                for scenario in SCENARIOS:
                    tell(f"{profile}: {scenario}, {repeat} times")
                    drills = _drilled(inventory, scenario, repeat)
                    lines.append(_row(profile, scenario, drills))
                    missed += _missed(profile, scenario, drills)
                for kind in LOADS:
                    tell(f"{profile}: {load_seconds} s of load: {kind}")
                    changes, average = _changes_under_load(lab, kind, load_seconds)
                    loads.append(f"| {profile} | {kind} | {average:.0f} | {changes} |")
                    if changes and profile in STEADY:
                        missed.append(f"{profile}: {changes} changes of state: {kind}")
            measured_on = "; ".join(f"{key}: {value}" for key, value in machine(lab).items())
    except HadeployError as error:
        raise click.ClickException("\n".join(filter(None, (str(error), error.detail)))) from error
    lines += [
        "",
        f"Changes of state of all keepaliveds in {load_seconds} s of each load:",
        "",
        *loads,
        "",
        f"{measured_on}; {RATE} requests a second.",
    ]
    write(Markers("failover"), "\n".join(lines), output)
    for line in missed:
        tell(f"target missed: {line}")
    sys.exit(1 if missed else 0)


def _inventory(lab: Lab, folder: Path, profile: str) -> Path:
    inventory = YAML(typ="safe").load(Path(lab.environment["HADEPLOY_INVENTORY"]).read_text())
    inventory["vrrp"] = {"failover": profile}
    file = folder / "inventory.yaml"
    YAML(typ="safe", pure=True).dump(inventory, file)
    return file


def _drilled(inventory: Path, scenario: str, repeat: int) -> list[dict[str, Any]]:
    """The results of successful drills."""
    document = _hadeploy(
        inventory,
        *("drill", scenario, "--json", "--yes", "--allow-link-down", "--hold", "1"),
        *("--repeat", str(repeat), "--rate", RATE),
    )
    drills: list[dict[str, Any]] = document["drill"]
    return drills


def _hadeploy(inventory: Path, command: str, *others: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "hadeploy", command, "-i", str(inventory), *others]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    if done.returncode:
        raise HadeployError(
            f"exit code {done.returncode}",
            operation=f"hadeploy {command}",
            detail=json.dumps(document["errors"] or document["drill"], indent=2),
        )
    return document


def _row(profile: str, scenario: str, drills: list[dict[str, Any]]) -> str:
    gaps = [drill["outage"] for drill in drills]
    noticed = median(drill["detected"] for drill in drills)
    failed, requests = (sum(drill[key] for drill in drills) for key in ("failed", "requests"))
    cells = (
        profile,
        scenario,
        f"{len(drills)}",
        f"{median(gaps):.2f} s",
        f"{max(gaps):.2f} s",
        f"{noticed:.2f} s",
        f"{failed} of {requests}",
    )
    return f"| {' | '.join(cells)} |"


def _missed(profile: str, scenario: str, drills: list[dict[str, Any]]) -> list[str]:
    gaps = [drill["outage"] for drill in drills]
    middle, worst = TARGETS.get((profile, scenario), (float("inf"), float("inf")))
    if median(gaps) <= middle and max(gaps) <= worst:
        return []
    return [f"{profile} {scenario}: median {median(gaps):.2f} s, worst {max(gaps):.2f} s"]


def _changes_under_load(lab: Lab, kind: str, seconds: int) -> tuple[int, float]:
    """The number of state changes of all keepaliveds, and the load average at the end."""
    since = f"{time.time():.0f}"
    with load(kind):
        time.sleep(seconds)
        average = os.getloadavg()[0]
    count = f"docker logs --since {since} {KEEPALIVED} 2>&1 | grep -c 'Entering .* STATE' || true"
    return sum(int(lab.exec(node, ["sh", "-c", count]).stdout) for node in lab.nodes), average


if __name__ == "__main__":
    main()
