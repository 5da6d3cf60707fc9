"""Pictures for people, in a terminal of 80 columns."""

import dataclasses
import io

import pytest
from rich.console import Console, RenderableType

from hadeploy.errors import HadeployError, NodesError
from hadeploy.observe.observed_node import ObservedFile, ObservedNode, Owner, Socket
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.rolling import make_plan
from hadeploy.plan.steps import Impact, NodePlan, Plan, Step
from hadeploy.ui.render import print_error, render_plan, render_proofs
from hadeploy.verify.proofs import prove
from tests.unit import builders

CLUSTER = builders.cluster(name="kube-lb")
DESIRED = builders.desired(CLUSTER)
EMPTY = {node: builders.empty(node) for node in DESIRED}


def lines(picture: RenderableType, width: int = 80) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as shown:
        console.print(picture)
    return [line.rstrip() for line in shown.get().splitlines()]


def recreation() -> Plan:
    image = {"haproxy": {"reference": "registry.example.com/mirror/library/haproxy:2.9.1-alpine"}}
    changed = builders.cluster(name="kube-lb", images=image)
    return make_plan(changed, builders.desired(changed), builders.healthy(CLUSTER))


def test_nodes_with_the_same_steps_are_one_block() -> None:
    shown = lines(render_plan(make_plan(CLUSTER, DESIRED, EMPTY)))
    assert shown[:4] == [
        "  step              what                         why                      impact",
        "n1",
        "  load image        haproxy:3.2.21               not on the node; pulled  none",
        "  load image        osixia/keepalived:2.3.4      not on the node; pulled  none",
    ]
    assert [line for line in shown if line.startswith("n")] == ["n1", "n2, n3"]


def test_drift_is_named_as_drift() -> None:
    look = builders.healthy(CLUSTER)
    edited = ObservedFile("haproxy/haproxy.cfg", 0o644, "0:0", b"edited\n")
    files = (*(f for f in look["n2"].files if f.path != edited.path), edited)
    look["n2"] = dataclasses.replace(look["n2"], files=files)
    shown = lines(render_plan(make_plan(CLUSTER, DESIRED, look)))
    assert "  write file        haproxy/haproxy.cfg  drift: edited on the node  none" in shown
    assert "  reload container  kube-lb-haproxy      its files change           reload" in shown


def test_the_holder_has_a_block_of_its_own() -> None:
    shown = lines(render_plan(recreation()))
    assert [line for line in shown if line.startswith("n")] == ["n2, n3", "n1 (holds the VIP)"]
    assert "11 changes on 3 of 3 nodes." in shown


def test_only_neighbours_are_merged_so_that_the_order_is_seen() -> None:
    step = Step("write-record", "applied.json", "missing")
    other = dataclasses.replace(step, impact=Impact.RELOAD)
    plan = Plan((NodePlan("n1", (step,)), NodePlan("n2", (other,)), NodePlan("n3", (step,))))
    assert [line for line in lines(render_plan(plan)) if line.startswith("n")] == [
        "n1",
        "n2",
        "n3",
    ]


def test_nodes_without_changes_are_merged_too() -> None:
    step = Step("write-record", "applied.json", "missing")
    plan = Plan((NodePlan("n1", (step,)), NodePlan("n2", ()), NodePlan("n3", ())))
    assert lines(render_plan(plan))[-3:] == [
        "n2, n3",
        "  no changes",
        "1 changes on 1 of 3 nodes.",
    ]


@pytest.mark.parametrize("width", [80, 100, 160])
@pytest.mark.parametrize(
    "plan",
    [
        make_plan(CLUSTER, DESIRED, EMPTY),
        recreation(),
        make_down_plan(CLUSTER, builders.healthy(CLUSTER)),
    ],
    ids=["fresh", "recreation", "teardown"],
)
def test_words_and_usual_paths_are_whole(plan: Plan, width: int) -> None:
    shown = lines(render_plan(plan), width)
    assert max(map(len, shown)) <= width
    words = " ".join(shown).split()
    for step in (step for node in plan.nodes for step in node.steps):
        for word in f"{step.action.replace('-', ' ')} {step.reason} {step.impact.value}".split():
            assert word in words
        if len(step.subject) <= 28:
            assert step.subject in " ".join(shown)


def test_a_long_image_is_whole_where_there_is_room() -> None:
    assert "registry.example.com/mirror/library/haproxy:2.9.1-alpine" in " ".join(
        lines(render_plan(recreation()), 160)
    )


def reported(look: ObservedNode) -> list[str]:
    observed = builders.healthy(CLUSTER) | {look.node: look}
    shown = lines(render_proofs(prove(CLUSTER, DESIRED, observed)), 160)
    return [line for line in shown if line.startswith(f"✗ {look.node}")]


def test_what_follows_from_missing_containers_is_only_counted() -> None:
    assert reported(builders.empty("n2")) == [
        "✗ n2: kube-lb-haproxy is missing (`hadeploy up` starts it)",
        "✗ n2: kube-lb-keepalived is missing, and 4 consequences (`hadeploy up` starts it)",
    ]


def test_what_follows_from_a_dead_haproxy_is_only_counted() -> None:
    n2 = builders.healthy(CLUSTER)["n2"]
    haproxy, keepalived = n2.containers
    dead = dataclasses.replace(haproxy, status="exited", exit_code=137)
    assert n2.vrrp
    fault = dataclasses.replace(n2.vrrp, state="FAULT")
    look = dataclasses.replace(
        n2, containers=(dead, keepalived), sockets=(), serving=None, vrrp=fault
    )
    assert reported(look) == [
        "✗ n2: kube-lb-haproxy is exited (exit status 137), and 3 consequences"
        " (docker logs --tail 30 kube-lb-haproxy)"
    ]


def test_the_program_on_the_port_of_a_dead_haproxy_is_reported() -> None:
    n2 = builders.healthy(CLUSTER)["n2"]
    taken = Socket("0.0.0.0", 9443, (Owner("python3", 7),))
    look = dataclasses.replace(n2, containers=n2.containers[1:], sockets=(taken,), serving=None)
    assert [line.split(" (")[0] for line in reported(look)] == [
        "✗ n2: kube-lb-haproxy is missing, and 1 consequence",
        "✗ n2: port 9443 belongs to python3, not only to haproxy of this cluster",
    ]


def test_a_running_haproxy_that_does_not_answer_is_reported_alone() -> None:
    look = dataclasses.replace(builders.healthy(CLUSTER)["n2"], serving=None)
    assert reported(look) == [
        "✗ n2: haproxy does not answer its health check (check whether it is stopped or frozen)"
    ]


def errors_shown(error: HadeployError) -> list[str]:
    console = Console(width=80, file=io.StringIO())
    with console.capture() as shown:
        print_error(console, error)
    return shown.get().splitlines()


def test_equal_failures_of_nodes_are_reported_once() -> None:
    def failure(node: str, what: str) -> HadeployError:
        return HadeployError(what, node=node, operation="pulling", hint="wait", detail="x\ny")

    same = [failure(node, "no route") for node in ("n1", "n2", "n3")]
    assert errors_shown(NodesError([same[0], failure("n4", "refused"), *same[1:]])) == [
        "error: n1, n2, n3: pulling: no route",
        "  | x",
        "  | y",
        "  next: wait",
        "error: n4: pulling: refused",
        "  | x",
        "  | y",
        "  next: wait",
    ]


def test_an_error_of_no_node_names_none() -> None:
    assert errors_shown(HadeployError("no", operation="reading")) == ["error: reading: no"]
