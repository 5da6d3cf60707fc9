"""What a real cluster of three said after each sabotage of tests/lab/sabotage.py.

`healthy.txt` is whole, but for what no diagnosis reads; of the others the messages that differ.
"""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

from hadeploy.diagnose.diagnosis import DiagnosisContext
from hadeploy.observe.parse import parse_observation
from hadeploy.observe.parse_vrrp import parse_evidence
from hadeploy.scripts.protocol import Message, Reply, parse_line
from hadeploy.verify.proofs import prove
from tests.unit import builders

CAPTURED = Path(__file__).parent / "captured"
CLUSTER = builders.cluster(
    name="kube-lb",
    vip="198.19.29.100",
    nodes=[{"name": f"n{i}", "address": f"198.19.29.1{i}"} for i in (1, 2, 3)],
    haproxy={"health_port": 19443},
)

Said = dict[tuple[str, str], dict[tuple[str, ...], Message]]


@functools.cache
def context(name: str) -> DiagnosisContext:
    """The scene that was captured under that name, and its proofs."""
    base, there = _read("healthy"), _read(name)
    observed, evidence = {}, {}
    for node in ("n1", "n2", "n3"):
        said = base[node, "observation"] | there.get((node, "observation"), {})
        observed[node] = parse_observation(node, Reply(tuple(said.values()), 0))
        if (node, "evidence") in there:
            evidence[node] = parse_evidence(Reply(tuple(there[node, "evidence"].values()), 0))
    desired = builders.desired(CLUSTER)
    for node, look in observed.items():
        # The templates may have changed since.
        ids = look.applied.config_ids if look.applied else {}
        files = tuple(
            dataclasses.replace(f, config_id=ids[f.role] if f.config_id else "")
            for f in desired[node].files
        )
        desired[node] = dataclasses.replace(desired[node], files=files)
    return DiagnosisContext(CLUSTER, desired, observed, prove(CLUSTER, desired, observed), evidence)


def captured(name: str) -> dict[str, dict[str, list[Message]]]:
    """The answers of that scene, by node and script."""
    base, there = _read("healthy"), _read(name)
    found = {node: {"observation": list(said.values())} for (node, _), said in base.items()}
    for (node, script), said in there.items():
        before = base.get((node, script), {})
        found[node][script] = list((before | said).values())
    return found


def _read(name: str) -> Said:
    found: Said = {}
    messages: dict[tuple[str, ...], Message] = {}
    last: Message | None = None
    for line in (CAPTURED / f"{name}.txt").read_text().split("\n"):
        if line.startswith("@of "):
            _, node, what = line.split()
            messages = found.setdefault((node, what), {})
        elif message := parse_line(line, "tok"):
            last = messages[(message.kind, *message.words)] = message
        elif last:
            last.body.append(line)
    return found
