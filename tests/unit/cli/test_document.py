"""The document of --json is as its schema says, and the schema in docs is this version's."""

import json
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from hadeploy.cli.document import document_schema
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.images.load import Delivery
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.rolling import make_plan
from hadeploy.plan.steps import Action, NodePlan, Plan, Step
from hadeploy.status.build import cluster_status
from hadeploy.verify.proof import Proof, Verdict
from hadeploy.verify.proofs import prove
from tests.result_schema import result_schema
from tests.unit import builders
from tests.unit.status.snapshots import situation

PUBLISHED = Path(__file__).parents[3] / "docs" / "json.schema.json"

CLUSTER = builders.cluster()
DESIRED = builders.desired(CLUSTER)
EMPTY = {node: builders.empty(node) for node in DESIRED}
HEALTHY = builders.healthy(CLUSTER)


def test_the_schema_in_docs_is_up_to_date() -> None:
    assert json.loads(PUBLISHED.read_text()) == document_schema(), (
        "hadeploy schema --of result >docs/json.schema.json"
    )


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(document_schema())


OUTCOMES = {
    "nothing yet": Outcome(command="plan"),
    "no command": Outcome(command=None, code=ExitCode.USAGE),
    "a fresh cluster": Outcome(
        command="up",
        cluster="c",
        plan=make_plan(CLUSTER, DESIRED, EMPTY),
        proofs=prove(CLUSTER, DESIRED, EMPTY),
        code=ExitCode.NOT_PROVEN,
    ),
    "a cluster that is up": Outcome(
        command="up",
        cluster="c",
        plan=make_plan(CLUSTER, DESIRED, HEALTHY),
        proofs=prove(CLUSTER, DESIRED, HEALTHY),
    ),
    "a change": Outcome(
        command="plan",
        cluster="c",
        plan=make_plan(
            builders.cluster(haproxy={"maxconn": 3000}),
            builders.desired(builders.cluster(haproxy={"maxconn": 3000})),
            HEALTHY,
        ),
    ),
    "a teardown": Outcome(command="down", cluster="c", plan=make_down_plan(CLUSTER, HEALTHY)),
    "images": Outcome(
        command="images push",
        images=[
            Delivery("haproxy:3", "amd64", None, "saved", "images/haproxy.tar.gz", 10),
            Delivery("haproxy:3", "amd64", "n1", "there"),
            Delivery("haproxy:3", "amd64", "n2", "sent", "haproxy.tar.gz", 10),
        ],
    ),
    "a status": Outcome(command="status", status=cluster_status(situation(), "now")[0]),
    "a status of nobody": Outcome(
        command="status", status=cluster_status(situation(away=tuple(DESIRED)), "now")[0]
    ),
    "errors": Outcome(
        "up",
        errors=[
            HadeployError("no", node="n1", operation="trying", hint="wait", detail="a\nb"),
            HadeployError("no"),
        ],
        code=ExitCode.FAILED,
    ),
}


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_documents_are_as_the_schema_says(outcome: Outcome) -> None:
    document = json.loads(json.dumps(outcome.document()))
    result_schema().validate(document)


@pytest.mark.parametrize("action", get_args(Action))
def test_every_action_may_occur(action: Action) -> None:
    plan = Plan((NodePlan("n1", (Step(action, "this", "because"),)),))
    result_schema().validate(Outcome(command="up", plan=plan).document())


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_may_occur(verdict: Verdict) -> None:
    outcome = Outcome(command="up", proofs=[Proof("vip-held-once", verdict, "seen")])
    result_schema().validate(outcome.document())


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_may_occur(code: ExitCode) -> None:
    result_schema().validate(Outcome(command="up", code=code).document())


def test_an_unknown_key_is_reported() -> None:
    document = {**Outcome(command="up").document(), "more": 1}
    assert not result_schema().is_valid(document)


def test_consequences_are_folded_for_people_only() -> None:
    document = OUTCOMES["a fresh cluster"].document()
    assert sum(1 for p in document["proofs"] if p["node"] == "n1") == 7
