"""What the first changed node answers this machine, before its turn and after it."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.plan.backends import ExpectedBackend
from hadeploy.plan.steps import Action, NodePlan, Step
from hadeploy.rollout import client_view
from hadeploy.rollout.client_view import ClientView
from hadeploy.rollout.lost_backends import reasons_of
from hadeploy.rollout.scripts import Part, apply_script, finishing_step
from tests.unit import builders
from tests.unit.rollout.test_scripts import change

RELOAD = Step("reload-container", "kube-lb-haproxy", "", role="haproxy")
RECORD = Step("write-record", "applied.json", "")
TURN = NodePlan("n2", (RELOAD, RECORD))
PORTS = (ExpectedBackend("api-backend/", "api-backend/"), ExpectedBackend(":9443", ":9443"))


class Network:
    """What each node's port answers this machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **words: str) -> None:
        self.words = words
        self.asked = 0
        monkeypatch.setattr(client_view, "answer_of", self.answer)
        monkeypatch.setattr(client_view, "POLL_SECONDS", 0)
        monkeypatch.setattr(client_view, "check_seconds", lambda _: 0)

    def answer(self, address: str, _: int) -> Answer:
        self.asked += 1
        return Answer(self.words[f"n{address[-1]}"])


def view(**options: object) -> ClientView:
    cluster = builders.cluster(**options)
    return ClientView(cluster, builders.healthy(cluster))


def test_what_clients_were_answered_they_are_answered_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(monkeypatch, n2="tls", n3="tls")
    clients = view()
    before = clients.before(TURN, PORTS)
    assert network.asked == 3
    assert clients.lost("n2", before, ["n3"]) == []
    network.words["n2"] = "closed"
    (lost,) = clients.lost("n2", before, ["n3"])
    assert lost.name == ":9443@198.51.100.12=tls=closed"
    assert reasons_of([lost]) == [
        "port 9443 of 198.51.100.12, asked from this machine, answered TLS before the change, "
        "and closes every connection at once now"
    ]
    # One node is enough.
    assert clients.before(dataclasses.replace(TURN, node="n3"), PORTS) == []


def test_what_changes_on_nodes_that_were_not_touched_is_not_blamed_on_the_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(monkeypatch, n2="tls", n3="tls")
    clients = view()
    before = clients.before(TURN, PORTS)
    network.words |= {"n2": "silent", "n3": "silent"}
    assert clients.lost("n2", before, ["n3"]) == []
    assert clients.lost("n2", before, []) != []


@pytest.mark.parametrize("word", ["closed", "refused"])
def test_where_the_first_node_does_not_serve_the_next_one_is_asked(
    word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Network(monkeypatch, n2=word, n3="tls")
    clients = view()
    assert clients.before(TURN, PORTS) == []
    assert clients.before(dataclasses.replace(TURN, node="n3"), PORTS)


def test_ports_that_this_machine_does_not_reach_are_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(monkeypatch, n2="unreached")
    clients = view()
    assert clients.before(TURN, PORTS) == []
    asked = network.asked
    assert clients.before(TURN, PORTS) == []
    assert network.asked == asked


@pytest.mark.parametrize(
    ("turn", "expected", "options"),
    [
        (NodePlan("n2", (RECORD,)), PORTS, {}),
        (TURN, PORTS[:1], {}),
        (TURN, (ExpectedBackend(":9443", "!tls"),), {}),
        # Other machines may have the nodes' addresses here.
        (TURN, PORTS, {"ssh": {"jump": "bastion"}}),
    ],
)
def test_nothing_is_asked_that_cannot_be_compared(
    turn: NodePlan,
    expected: tuple[ExpectedBackend, ...],
    options: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network(monkeypatch, n2="tls")
    assert view(**options).before(turn, expected) == []
    assert network.asked == 0


KEEPALIVED = Step("reload-container", "kube-lb-keepalived", "", role="keepalived")


def steps(*actions: Action) -> tuple[Step, ...]:
    return tuple(Step(action, "the VIP", "") for action in actions)


@pytest.mark.parametrize(
    ("turn", "finish"),
    [
        (TURN, 1),
        (NodePlan("n1", (RELOAD, KEEPALIVED, RECORD)), 2),
        (NodePlan("n1", (*steps("handover"), RELOAD, *steps("finish-handover"), RECORD)), 2),
        # The backups of a change of all nodes together are recorded later.
        (NodePlan("n1", (*steps("hold"), RELOAD), coordinated=True), None),
    ],
)
def test_a_node_is_confirmed_before_its_change_cannot_be_undone(
    turn: NodePlan, finish: int | None
) -> None:
    of_node = change("n1")
    assert finishing_step(of_node, turn) == finish
    first, second = (
        apply_script(of_node, turn, "f" * 16, otherwise="restore", part=part).splitlines()
        for part in (Part.CHANGE, Part.FINISH)
    )
    done = [[line.split()[1] for line in s if line.startswith("step ")] for s in (first, second)]
    numbers = [[int(word.partition(".")[0]) for word in words] for words in done]
    assert numbers[0] == sorted(numbers[0])
    if finish is not None:
        # The proof that keepalived takes part again carries the number of the step after it.
        assert max(n for n, w in zip(numbers[0], done[0], strict=True) if "." not in w) < finish
        assert min(numbers[1]) == finish
    assert "record" not in " ".join(first[-10:])


def test_a_node_that_wins_the_vip_is_asked_before_it_can_win() -> None:
    of_node = dataclasses.replace(change("n1"), takeover=(ExpectedBackend("api-backend/n1"),))
    assert finishing_step(of_node, NodePlan("n1", (RELOAD, KEEPALIVED, RECORD))) == 1
