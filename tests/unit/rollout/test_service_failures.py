"""Clients or backends are lost with a change of a node: whose fault it is, and what goes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hadeploy.answers.answer import Answer
from hadeploy.rollout.lost_backends import (
    BackendsDiedError,
    BackendsLostError,
    ClientRefusedError,
)
from tests.unit.rollout.fake_nodes import FakeCluster
from tests.unit.rollout.fake_scripts import Fault
from tests.unit.rollout.rollouts import RECREATE, RELOAD, SERVER, from_then_on

pytestmark = pytest.mark.usefixtures("fake_time")


# ---- backends that go down


@pytest.mark.parametrize("place", ["n2", "n3", "n1"])
@pytest.mark.parametrize(
    ("status", "kind"), [("UP", BackendsLostError), ("DOWN", BackendsDiedError)]
)
def test_backends_that_all_nodes_have_lost_are_not_lost_by_the_change(
    place: str, status: str, kind: type[Exception]
) -> None:
    down = from_then_on(place, "change", lambda look: look.with_backends(status), "n1", "n2", "n3")
    rolled = RELOAD.roll_out(Fault(place, "backends", lost=SERVER), on_script=down)
    assert type(rolled.cause) is kind
    assert f"{place} restored" in rolled.outcomes
    assert rolled.untrue() == []


# ---- clients on this machine


class Clients:
    """What this machine is answered, by the last digit of the address."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.words = {"1": "tls", "2": "tls", "3": "tls"}
        for module in ("client_view", "handover_view"):
            monkeypatch.setattr(f"hadeploy.rollout.{module}.answer_of", self.answer)

    def answer(self, address: str, _: int) -> Answer:
        return Answer(self.words[address[-1]])

    def once(
        self, label: str, script: str, **words: str
    ) -> Callable[[FakeCluster, str, str], None]:
        """Once that script runs there, these nodes answer so."""

        def on_script(_: FakeCluster, node: str, name: str) -> None:
            if (node, name) == (label, script):
                self.words |= {one[-1]: word for one, word in words.items()}

        return on_script


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    return Clients(monkeypatch)


def test_the_first_node_is_asked_before_its_change_is_recorded(clients: Clients) -> None:
    rolled = RELOAD.roll_out(serves_here=True)
    assert rolled.error is None
    # The first script ends before the record, the second one writes it.
    assert rolled.sent() == ["n2 change", "n2 let go", "n3 change", "n1 change"]


def test_a_node_that_refuses_clients_of_this_machine_goes_back(clients: Clients) -> None:
    rolled = RELOAD.roll_out(serves_here=True, on_script=clients.once("n2", "change", n2="closed"))
    assert isinstance(rolled.cause, ClientRefusedError)
    assert rolled.sent() == ["n2 change", "n2 put back"]
    assert rolled.outcomes == "n1 untouched, n2 restored, n3 untouched"


def test_what_the_unchanged_nodes_refuse_as_well_is_not_refused_by_the_change(
    clients: Clients,
) -> None:
    meanwhile = clients.once("n2", "change", n2="closed", n3="closed")
    assert RELOAD.roll_out(serves_here=True, on_script=meanwhile).error is None


@pytest.mark.parametrize("how", ["fenced", "changed", "cut-off", "cut-off-begun"])
def test_a_failed_restore_is_reported_as_partially_applied(clients: Clients, how: str) -> None:
    rolled = RELOAD.roll_out(
        Fault("n2", "put back", how),
        serves_here=True,
        on_script=clients.once("n2", "change", n2="closed"),
    )
    assert rolled.outcomes == "n1 untouched, n2 partial, n3 untouched"


@pytest.mark.parametrize(
    ("how", "has"),
    [("fenced", "partial"), ("changed", "partial"), ("cut-off", "unknown"), ("nothing", "unknown")],
)
def test_the_second_script_of_a_node_fails(clients: Clients, how: str, has: str) -> None:
    rolled = RELOAD.roll_out(Fault("n2", "let go", how), serves_here=True)
    assert rolled.outcomes == f"n1 untouched, n2 {has}, n3 untouched"
    assert rolled.locked() == []


def test_the_vip_does_not_move_to_a_node_that_this_machine_does_not_reach(
    clients: Clients,
) -> None:
    rolled = RECREATE.roll_out(
        serves_here=True, on_script=clients.once("n3", "change", n2="unreached")
    )
    assert rolled.outcomes == "n1 untouched, n2 new, n3 new"
    assert "n2 would take over the VIP" in rolled.failure.message
