"""Every record is valid or ignored; no record ends a command."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hadeploy.check.evaluate import evaluate
from hadeploy.check.finding import CheckContext
from hadeploy.desired import layout
from hadeploy.desired.desired_node import configuration_id
from hadeploy.diagnose.diagnosis import DiagnosisContext
from hadeploy.diagnose.evaluate import diagnose
from hadeploy.errors import HadeployError
from hadeploy.observe.gather import read_observation
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.parse_record import parse_record
from hadeploy.plan.backends import changed_settings
from hadeploy.plan.down import make_down_plan, ours_to_remove
from hadeploy.plan.inventory_changes import gone_back, newest, undone, with_change
from hadeploy.plan.previous import previous_configuration
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.record import applied_record
from hadeploy.scripts.protocol import Message, Reply
from hadeploy.status.build import cluster_status
from hadeploy.status.snapshot import ClusterSnapshot
from hadeploy.verify.proofs import prove
from tests.unit import builders
from tests.unit.diagnose.contexts import CLUSTER, captured
from tests.unit.examples import examples
from tests.unit.test_garbage import VALUES, places

DESIRED = builders.desired(CLUSTER)
RECORD: dict[str, Any] = json.loads(
    applied_record(CLUSTER, DESIRED["n1"], configuration_id(DESIRED), interim=False)
)
RECORD["changes"] = [{"by": "ann@desk", "at": RECORD["at"], "was": {"vip": "0123456789ab"}}]
RECORD["forgotten"] = ["198.19.29.14"]
ODD: list[Any] = [
    *VALUES,
    5,
    [{}],
    [7],
    "::",
    "../../etc/passwd",
    "\x1b]52;c;aGk=\x07",
    "9" * 5000,
    1.5,
    [[]],
]


def answers(node: str, record: bytes) -> Reply:
    """What a healthy node says, with that record."""
    said = [
        message
        for message in captured("healthy")[node]["observation"]
        if message.kind not in ("file", "contents")
    ]
    encoded = base64.b64encode(record).decode()
    for path in (layout.APPLIED, f"{layout.PREVIOUS}/{layout.APPLIED}"):
        said.append(Message("file", ("600", "0:0", path), [encoded]))
    return Reply(tuple(said), 0)


def everything(observed: dict[str, ObservedNode]) -> None:
    """All that commands do with records."""
    for finding in evaluate(CheckContext(CLUSTER, observed)):
        json.dumps(finding.document())
    proofs = prove(CLUSTER, DESIRED, observed)
    for diagnosis in diagnose(DiagnosisContext(CLUSTER, DESIRED, observed, proofs, {}, {})):
        json.dumps(diagnosis.document())
    make_down_plan(CLUSTER, observed)
    situation = ClusterSnapshot(
        CLUSTER, DESIRED, observed, make_plan(CLUSTER, DESIRED, observed), {}
    )
    cluster_status(situation, "2026-01-01T00:00:00+00:00")
    with contextlib.suppress(HadeployError):
        previous_configuration(CLUSTER, observed)
    record = newest(look.applied for look in observed.values())
    undone(record, RECORD["inventory"], "bob@desk")
    with_change(record, RECORD["inventory"], "bob@desk", RECORD["at"])
    changed_settings(record, CLUSTER)
    if record:
        gone_back(record, record)
    for look in observed.values():
        ours_to_remove(look)


def observed(record: bytes) -> dict[str, ObservedNode]:
    """All nodes honest but for n3's record."""
    own = json.dumps(RECORD, indent=1).encode()
    return {n: read_observation(n, answers(n, record if n == "n3" else own)) for n in DESIRED}


def test_an_honest_record_is_read() -> None:
    looks = observed(json.dumps(RECORD, indent=1).encode())
    record = looks["n3"].applied
    assert record is not None
    assert record.forgotten == ("198.19.29.14",)
    assert record.changes[0].was == {"vip": "0123456789ab"}
    assert set(record.files) == {file.path for file in DESIRED["n1"].files}
    everything(looks)


@examples(10)
@given(st.randoms(use_true_random=False), st.integers(1, 3))
def test_a_record_with_other_values_in_it(random: Random, times: int) -> None:
    record = copy.deepcopy(RECORD)
    for _ in range(times):
        *way, last = random.choice(places(record))
        inner = record
        for key in way:
            inner = inner[key]
        if random.random() < 0.2:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(random.choice(ODD))
    everything(observed(json.dumps(record, indent=1).encode()))


@examples(5)
@given(st.integers(0, 4000), st.binary(max_size=8))
def test_a_record_that_is_cut_off_or_overwritten(at: int, piece: bytes) -> None:
    whole = json.dumps(RECORD, indent=1).encode()
    for record in (whole[:at], whole[:at] + piece + whole[at + len(piece) :], piece):
        everything(observed(record))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("vips", [{}]),
        ("vips", ["10.0.0.1; reboot"]),
        ("members", [7]),
        ("at", 5),
        ("at", "yesterday"),
        ("at", "2026-11-28T01:00:00+00:00\x1b[2J"),
        ("by", None),
        ("files", {"../../root/.ssh/authorized_keys": "0" * 64}),
        ("files", {"/etc/passwd": "0" * 64}),
        ("files", {"haproxy/haproxy.cfg": 7}),
        ("files", [["haproxy/haproxy.cfg", "0" * 64]]),
        ("containers", {"kube-lb-haproxy": {}}),
        ("interface", "eth0; reboot"),
        ("interface", ""),
        ("inventory", [["vip", "x"]]),
        ("configuration", {}),
        ("haproxy_config_id", 1),
        ("changes", [{"by": "a", "at": 5, "was": {}}]),
        ("forgotten", "198.19.29.14"),
    ],
)
def test_a_record_with_a_field_that_hadeploy_does_not_write_is_none(
    field: str, value: object
) -> None:
    assert parse_record(json.dumps({**RECORD, field: value}).encode()) is None


@pytest.mark.parametrize("depth", [30, 500, 5000, 100_000])
def test_a_deeply_nested_record_is_no_record(depth: int) -> None:
    inventory = '{"a":' * depth + "1" + "}" * depth
    text = json.dumps({**RECORD, "inventory": "HERE"}).replace('"HERE"', inventory)
    assert parse_record(text.encode()) is None
    everything(observed(text.encode()))


def test_an_endless_record_is_no_record() -> None:
    assert parse_record(json.dumps({**RECORD, "by": "x" * 9_000_000}).encode()) is None
