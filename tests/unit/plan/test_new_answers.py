"""What clients are answered now is recorded where that is asked for."""

from __future__ import annotations

import pytest

from hadeploy.plan.new_answers import REASON, with_new_answers
from hadeploy.plan.steps import NodePlan, Plan, Step
from tests.unit import builders
from tests.unit.verify.test_answers import cluster

RECORD = Step("write-record", "applied.json", "record what was applied")


@pytest.mark.parametrize(
    ("answer", "before", "steps"),
    [
        ("http/403", "http/200", (REASON,)),
        ("http/200", "tls", (REASON,)),
        ("tls", "http/200", ()),
        ("http/403", "http/403", ()),
        ("http/403", "", ()),
        # A listener without an answer is not recorded.
        ("closed", "http/200", ()),
        ("refused", "http/200", ()),
    ],
)
def test_a_record_of_other_answers_is_written_anew(
    answer: str, before: str, steps: tuple[str, ...]
) -> None:
    looks = cluster(answer, before=before)
    plan = Plan(tuple(NodePlan(node, ()) for node in looks))
    made = with_new_answers(builders.cluster(), plan, looks)
    assert [tuple(step.reason for step in turn.steps) for turn in made.nodes] == [steps] * 3


def test_a_record_is_written_once() -> None:
    looks = cluster("http/403", before="http/200")
    plan = Plan(tuple(NodePlan(node, (RECORD,)) for node in looks))
    assert with_new_answers(builders.cluster(), plan, looks) == plan
