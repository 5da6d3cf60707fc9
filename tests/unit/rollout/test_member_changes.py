"""From each cluster to each other one: every plan of `up --prune`, carried out on paper.

After each node: one holder whose adverts all others receive, and no handover without a successor.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from hadeploy.config_files.keepalived import Statement, parse
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode, configuration_id
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import Address, ObservedNode
from hadeploy.observe.parse_record import parse_record
from hadeploy.plan.down import leaving_plan
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.rolling import VIP_MOVES
from hadeploy.plan.steps import Impact, NodePlan
from hadeploy.plan.vrrp_settings import VrrpSettings, settings_of
from hadeploy.rollout.prepare import Prepared, prepare
from hadeploy.rollout.record import applied_record
from tests.unit import builders

MOST_PLANS = 6
CHANGES: dict[str, dict[str, Any]] = {
    "nothing else": {},
    "reload": {"listeners": [{"balance": "roundrobin"}]},
    "recreate": {"haproxy": {"maxconn": 900}},
    "coordinated": {"vrrp": {"virtual_router_id": 9}},
    "recreate, coordinated": {
        "haproxy": {"maxconn": 900},
        "vrrp": {"virtual_router_id": 9, "advert_interval": 2},
    },
}
MODES = [
    pytest.param("unicast", "unicast", id="unicast"),
    pytest.param("multicast", "multicast", id="multicast"),
    pytest.param("unicast", "multicast", id="unicast to multicast"),
    pytest.param("multicast", "unicast", id="multicast to unicast"),
]
MEMBERS = [
    pytest.param("1", "12", id="1 grows to 2"),
    pytest.param("1", "123", id="1 grows to 3"),
    pytest.param("2", "123", id="1 grows to 3 with others before it"),
    pytest.param("12", "123", id="2 grow to 3"),
    pytest.param("123", "12345", id="3 grow to 5"),
    pytest.param("12345", "123", id="5 shrink to 3"),
    pytest.param("12345", "45", id="5 shrink to 2"),
    pytest.param("123", "12", id="3 shrink to 2"),
    pytest.param("123", "1", id="3 shrink to 1"),
    pytest.param("12", "2", id="2 shrink to 1"),
    pytest.param("12", "13", id="1 of 2 is replaced"),
    pytest.param("123", "124", id="1 of 3 is replaced"),
    pytest.param("123", "345", id="2 of 3 are replaced"),
    pytest.param("12345", "12346", id="1 of 5 is replaced"),
    pytest.param("1", "2", id="the only one is replaced"),
    pytest.param("12", "34", id="both are replaced"),
    pytest.param("123", "456", id="all 3 are replaced"),
    pytest.param("123", "4", id="3 are replaced by 1"),
    pytest.param("1", "1", id="1 stays"),
    pytest.param("123", "123", id="3 stay"),
]


def address(number: str) -> str:
    return f"198.51.100.1{number}"


def inventory(numbers: str, mode: str = "unicast", **changes: Any) -> Cluster:
    nodes = [{"name": f"n{i}", "address": address(i)} for i in numbers]
    vrrp = {"mode": mode, **changes.pop("vrrp", {})}
    return builders.cluster(nodes=nodes, vrrp=vrrp, **changes)


class KilledError(Exception):
    """The run ends between two turns."""


class Segment:
    """All machines, by address, and who has the VIP."""

    def __init__(self, cluster: Cluster, holder: str) -> None:
        self.before = cluster
        self.holder = holder
        self.looks: dict[str, ObservedNode] = {}
        desired = builders.desired(cluster)
        for label, wanted in desired.items():
            record = applied_record(cluster, wanted, configuration_id(desired), interim=False)
            self.looks[address(label[1:])] = self._made(cluster, wanted, record)
        self.held: set[str] = set()
        self.outages = 0
        self.turns = 0
        self.killed_after: int | None = None

    def _made(self, cluster: Cluster, wanted: DesiredNode, record: str) -> ObservedNode:
        look = builders.healthy_node(cluster, wanted)
        return look.with_(applied=parse_record(record.encode()))

    def seen(self, at: str, label: str) -> ObservedNode:
        """A machine as it is observed now."""
        look = self.looks.get(at) or builders.empty(f"n{at[-1]}")
        own = tuple(a for a in look.addresses if a.address != builders.VIP)
        vip = (Address("eth0", builders.VIP, 32),) if at == self.holder else ()
        vrrp = look.vrrp and dataclasses.replace(
            look.vrrp, state="MASTER" if at == self.holder else "BACKUP"
        )
        return dataclasses.replace(look, node=label, addresses=own + vip, vrrp=vrrp)

    # ---- what is done

    def carry_out(self, prepared: Prepared) -> None:
        """All turns of one plan."""
        for turn in (turn for turn in prepared.plan.nodes if turn.steps):
            if self.turns == self.killed_after:
                raise KilledError
            self.turns += 1
            at = address(turn.node[-1])
            for step in turn.steps:
                if step.action == "hold":
                    self.held.add(at)
                elif step.action == "handover":
                    self._hand_over(at, prepared)
                elif step.action == "finish-handover":
                    self.held.discard(at)
                self.outages += step.impact is Impact.OUTAGE
                assert not (step.impact is Impact.RESTART and at == self.holder)
            self._change(at, turn, prepared)
            self.one_holder()

    def _change(self, at: str, turn: NodePlan, prepared: Prepared) -> None:
        stays = prepared.introductions.get(turn.node)
        wanted = prepared.desired[turn.node]
        record = applied_record(
            stays.cluster if stays else prepared.cluster,
            wanted,
            configuration_id(prepared.desired),
            interim=bool(prepared.then),
            kept=stays.record if stays else None,
        )
        applied = parse_record(record.encode())
        assert applied
        if not any(step.action == "write-record" for step in turn.steps):
            applied = self.looks[at].applied if at in self.looks else None
        if stays:
            self.looks[at] = self._introduced(at, wanted, applied)
        else:
            made = self._made(prepared.cluster, wanted, record)
            self.looks[at] = dataclasses.replace(made, applied=applied)

    def _introduced(self, at: str, wanted: DesiredNode, applied: Applied | None) -> ObservedNode:
        look = self.looks[at]
        new = wanted.file(layout.KEEPALIVED_CONF)
        files = tuple(
            dataclasses.replace(f, content=new.content.encode()) if f.path == new.path else f
            for f in look.files
        )
        assert look.vrrp
        vrrp = dataclasses.replace(look.vrrp, config_id=new.config_id)
        return dataclasses.replace(look, files=files, vrrp=vrrp, applied=applied)

    def _hand_over(self, at: str, prepared: Prepared | None) -> None:
        assert at == self.holder
        others = set(self.looks) - self.held - {at}
        if prepared:
            updated = {address(n[-1]): d for n, d in prepared.desired.items()}
            others = {
                o
                for o in others
                if o not in updated or self.looks[o].serving == updated[o].config_id("haproxy")
            }
        assert others, "a node can take over the VIP"
        self.holder = max(others, key=lambda o: self._vrrp(o).priority)
        self.one_holder()

    def remove(
        self,
        cluster: Cluster,
        departing: dict[str, ObservedNode],
        staying: dict[str, ObservedNode],
    ) -> None:
        """What `--prune` does."""
        for turn in leaving_plan(cluster, departing, staying).nodes:
            if self.turns == self.killed_after:
                raise KilledError
            self.turns += 1
            at = address(turn.node[-1])
            if turn.holder:
                self._hand_over(at, None)
            assert at != self.holder, "it hands over before it goes"
            del self.looks[at]
            self.one_holder()

    # ---- what must be true

    def _vrrp(self, at: str) -> Any:
        return self.looks[at].vrrp

    def _conf(self, at: str) -> str:
        found = self.looks[at].file(layout.KEEPALIVED_CONF)
        assert found
        return found.content.decode()

    def one_holder(self) -> None:
        """A node that does not receive the holder's adverts would take the VIP too."""
        assert self.holder in self.looks
        for at in set(self.looks) - self.held - {self.holder}:
            assert same(self._conf(at)) == same(self._conf(self.holder)), "one VRRP router"
            sent = peers(self._conf(self.holder))
            assert sent is None or at in sent, f"{at} hears the holder"


def same(conf: str) -> VrrpSettings:
    return dataclasses.replace(settings_of(conf), source="")


def peers(conf: str) -> set[str] | None:
    instance = parse(conf).last("vrrp_instance") or Statement(())
    block = instance.last("unicast_peer")
    return {line.keyword for line in block.block} if block else None


def run(segment: Segment, new: Cluster, departing: set[str]) -> list[Prepared]:
    """`up --prune` on paper.

    Returns:
        The plans.
    """
    made: list[Prepared] = []
    pruned = tuple(sorted(departing))
    while len(made) <= MOST_PLANS:
        observed = {n.label: segment.seen(str(n.address), n.label) for n in new.nodes}
        leaving = {a: segment.seen(a, a) for a in pruned if a in segment.looks}
        inputs = Inputs(new, Path(), None, None)
        choices = RunOptions(prune=True, pruned=pruned, departing=leaving)
        prepared = prepare(inputs, observed, check=False, choices=choices)
        if leaving and not prepared.before_removal:
            changed = [s for t in prepared.plan.nodes for s in t.steps if s.role == "haproxy"]
            assert not changed, "nothing but VRRP changes after a node has left"
            assert all(look.serving for look in observed.values()), "all others serve"
            segment.remove(new, leaving, observed)
            continue
        made.append(prepared)
        segment.carry_out(prepared)
        if not prepared.then:
            return made
    raise AssertionError("it does not converge")


def marks(members: ParameterSet, *, most: int, often: bool = True) -> list[pytest.MarkDecorator]:
    """With more nodes it takes seconds."""
    large = max(len(str(nodes)) for nodes in members.values) > most
    return [] if often and not large else [pytest.mark.exhaustive]


# The holder is the first node, and with some changes also the last.
TABLE = [
    pytest.param(
        *members.values,
        change,
        last,
        *modes.values,
        id=f"{members.id}-{change}{', last' * last}-{modes.id}",
        marks=marks(
            members,
            most=3 if change == "recreate" and modes.id == "unicast" else 2,
            often=not last and (modes.id == "unicast" or change == "recreate"),
        ),
    )
    for members in MEMBERS
    for change in CHANGES
    for last in (False, True)
    if not last or (change in ("recreate", "coordinated") and len(str(members.values[0])) > 1)
    for modes in MODES
    if modes.id == "unicast" or "coordinated" not in change
]


@pytest.mark.parametrize(("old", "new", "change", "last", "mode", "new_mode"), TABLE)
def test_each_cluster_is_reached_by_one_up(
    old: str, new: str, change: str, last: bool, mode: str, new_mode: str
) -> None:
    holder = address(old[-1] if last else old[0])
    segment = Segment(inventory(old, mode), holder)
    wanted = inventory(new, new_mode, **CHANGES[change])
    run(segment, wanted, {address(i) for i in old} - {address(i) for i in new})
    assert set(segment.looks) == {address(i) for i in new}
    assert segment.outages == (1 if old == new == "1" and "recreate" in change else 0)
    observed = {n.label: segment.seen(str(n.address), n.label) for n in wanted.nodes}
    again = prepare(Inputs(wanted, Path(), None, None), observed, check=False, choices=RunOptions())
    assert (again.plan.changes, again.then) == (0, "")
    expected = {n: d.file(layout.KEEPALIVED_CONF) for n, d in builders.desired(wanted).items()}
    for label, file in expected.items():
        assert segment.looks[address(label[-1])].file(file.path).content.decode() == file.content  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "mode", "new_mode"),
    [
        pytest.param(
            *members.values,
            *modes.values,
            id=f"{members.id}-{modes.id}",
            marks=marks(members, most=2, often=modes.id == "unicast"),
        )
        for members in MEMBERS
        for modes in MODES
    ],
)
def test_a_run_that_was_killed_between_two_nodes_is_finished_by_the_next(
    old: str, new: str, mode: str, new_mode: str
) -> None:
    wanted = inventory(new, new_mode, haproxy={"maxconn": 900})
    departing = {address(i) for i in old} - {address(i) for i in new}
    kills = 0
    while True:
        segment = Segment(inventory(old, mode), address(old[0]))
        segment.killed_after = kills
        try:
            run(segment, wanted, departing)
        except KilledError:
            segment.killed_after = None
            run(segment, wanted, departing)
        else:
            break
        assert set(segment.looks) == {address(i) for i in new}
        kills += 1
    assert kills == segment.turns


@pytest.mark.parametrize(("mode", "new_mode"), MODES[:2])
def test_nodes_join_while_the_keepalived_of_another_node_does_not_run(
    mode: str, new_mode: str
) -> None:
    segment = Segment(inventory("123", mode), address("1"))
    look = segment.looks[address("2")]
    haproxy = tuple(c for c in look.containers if c.role == "haproxy")
    stopped = dataclasses.replace(look, containers=haproxy, keepaliveds={}, vrrp=None)
    segment.looks[address("2")] = stopped
    segment.held.add(address("2"))
    run(segment, inventory("124", new_mode), {address("3")})
    assert set(segment.looks) == {address(i) for i in "124"}


def test_a_forgotten_node_that_is_back_leaves_before_anything_else() -> None:
    segment = Segment(inventory("1234"), address("1"))
    back = {address("4"): segment.seen(address("4"), address("4"))}
    segment = Segment(inventory("12"), address("1"))
    wanted = inventory("12", haproxy={"maxconn": 900})
    observed = {f"n{i}": segment.seen(address(i), f"n{i}") for i in "12"}
    choices = RunOptions(prune=True, pruned=tuple(back), departing=back)
    inputs = Inputs(wanted, Path(), None, None)
    assert not prepare(inputs, observed, check=False, choices=choices).before_removal


@pytest.mark.parametrize(
    ("old", "new", "then"),
    [
        ("1", "123", ["After that, n1 changes.", ""]),
        (
            "12",
            "13",
            [
                "After that, n1 changes, then 198.51.100.12 leaves the cluster.",
                "After that, 198.51.100.12 leaves the cluster.",
                "",
            ],
        ),
        ("123", "1", ["After that, 198.51.100.12, 198.51.100.13 leave the cluster.", ""]),
    ],
)
def test_the_first_plan_names_the_next_stages(old: str, new: str, then: list[str]) -> None:
    wanted = inventory(new, haproxy={"maxconn": 900})
    departing = {address(i) for i in old} - {address(i) for i in new}
    plans = run(Segment(inventory(old), address("1")), wanted, departing)
    assert [prepared.then for prepared in plans] == then
    assert VIP_MOVES in plans[0].plan.warnings
