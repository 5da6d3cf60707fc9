"""Every answer of nodes gives values or an error that names the node, up to the final report."""

from __future__ import annotations

import contextlib
import copy
import json
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext
from hadeploy.diagnose.diagnosis import DiagnosisContext
from hadeploy.diagnose.evaluate import diagnose
from hadeploy.errors import HadeployError
from hadeploy.observe.gather import read_observation
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.parse_vrrp import parse_evidence
from hadeploy.observe.parsing import parsing
from hadeploy.observe.vrrp import Diagnostics
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.rolling import make_plan
from hadeploy.scripts.protocol import Message, Reply
from hadeploy.status.build import cluster_status
from hadeploy.status.metrics import metrics
from hadeploy.status.snapshot import ClusterSnapshot
from hadeploy.verify.proofs import prove
from tests.unit import builders
from tests.unit.diagnose.contexts import CAPTURED, CLUSTER, captured
from tests.unit.examples import examples
from tests.unit.observe.test_host import captured as machine

FULL = json.loads((Path(__file__).parent / "observe" / "captured" / "containers.json").read_text())[
    0
]
# With all that a check asks of a machine.
MACHINE = list(machine("host.txt").messages)
SCENES = sorted(path.stem for path in CAPTURED.glob("*.txt"))
DESIRED = builders.desired(CLUSTER)

WORDS = ["", "x", "-1", "0", "9" * 20, "null", "[]", "{}", "[{}]", "[" * 2000, "=", "a=b", "nan"]
WORDS += ["\0", "\u00b2", "\u0663", "1.5", "State = MASTER", "::", "1:2:3", "(", "*", "a" * 3000]
VALUES = [None, True, -1, float("inf"), 10**30, "", "x", [], {}, [1], [None], {"a": 1}, "\u00b2"]


def places(data: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every value in a document, but for the whole."""
    found = [place] if place else []
    entries: Any = ()
    if isinstance(data, (dict, list)):
        entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in entries:
        found += places(value, (*place, key))
    return found


def bent_document(line: str, random: Random) -> str:
    """The same JSON with one value gone or another one; what is none stays as it is."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if there := places(data):
        *way, last = random.choice(there)
        inner = data
        for key in way:
            inner = inner[key]
        if random.random() < 0.2:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(random.choice(VALUES))
    return json.dumps(data)


def bent_line(line: str, random: Random) -> str:
    """The same line, cut off, overwritten, or with another word in it."""
    if line[:1] in ("{", "[") and random.random() < 0.8:
        return bent_document(line, random)
    at, piece = random.randrange(len(line) + 1), random.choice(WORDS)
    words = line.split(" ")
    words[random.randrange(len(words))] = piece
    return random.choice([piece, line[:at], line[:at] + piece + line[at + 1 :], " ".join(words)])


def bent(messages: list[Message], random: Random) -> Reply:
    """An answer in which something is missing, twice, or other than it should be."""
    said = [Message(m.kind, m.words, list(m.body)) for m in messages]
    for _ in range(random.randint(0, 3)):
        at = random.randrange(len(said))
        body = said[at].body
        if random.random() < 0.1:
            said[at : at + 1] = [said[at]] * random.choice([0, 2])
            if not said:
                break
        elif body:
            line = random.randrange(len(body))
            body[line] = bent_line(body[line], random)
        else:
            body.append(random.choice(WORDS))
    return Reply(tuple(said), 0)


def whole(messages: list[Message]) -> list[Message]:
    """The same answer with all inspection data of a container in one line."""
    found = []
    for message in messages:
        body = message.body
        if message.kind == "containers":
            containers = json.loads(message.text)
            for one in containers:
                one["Config"] = FULL["Config"] | one["Config"]
                one["HostConfig"] = FULL["HostConfig"]
            body = [json.dumps(containers)]
        found.append(Message(message.kind, message.words, body))
    return [*found, *MACHINE]


def read(context: str, random: Random) -> tuple[dict[str, ObservedNode], dict[str, Diagnostics]]:
    """What is parsed from damaged answers."""
    observed, evidence = {}, {}
    for node, answers in captured(context).items():
        with contextlib.suppress(HadeployError):
            observed[node] = read_observation(node, bent(whole(answers["observation"]), random))
            if "evidence" in answers:
                with parsing(node, "collecting diagnostics"):
                    evidence[node] = parse_evidence(bent(answers["evidence"], random))
    return observed, evidence


@examples(20)
@given(st.sampled_from(SCENES), st.randoms(use_true_random=False))
def test_garbage_is_refused_or_reported_as_what_it_is(context: str, random: Random) -> None:
    observed, evidence = read(context, random)
    away = {n: HadeployError("away", node=n) for n in DESIRED if n not in observed}
    desired = {node: DESIRED[node] for node in observed}
    for finding in evaluate(CheckContext(CLUSTER, observed)):
        json.dumps(finding.document())
    proofs = prove(CLUSTER, desired, observed)
    for diagnosis in diagnose(DiagnosisContext(CLUSTER, desired, observed, proofs, evidence, away)):
        json.dumps(diagnosis.document())
    make_down_plan(CLUSTER, observed)
    situation = ClusterSnapshot(
        CLUSTER, desired, observed, make_plan(CLUSTER, desired, observed), away
    )
    status, _ = cluster_status(situation, "2026-01-01T00:00:00+00:00")
    assert metrics(CLUSTER.name, status, 1.0)
