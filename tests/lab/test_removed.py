"""What clients use does not go away unasked."""

from __future__ import annotations

import pytest

from tests.lab.faults_document import record_between
from tests.lab.harness import ROOT, Cluster, with_template


def test_a_port_is_removed_only_after_a_confirmation(served: Cluster) -> None:
    gone = (
        "Port 9443 of listener kube-apiserver is removed: "
        f"connections to {served.lab.vip}:9443 will be refused."
    )
    served.inventory["listeners"] = [{"port": 8443}]
    before = served.snapshot()
    assert served.ok("plan", "--json").document["removes"] == [gone]
    for unasked in (served.run("up"), served.run("up", "--json")):
        assert unasked.code == 2
        assert "add --yes" in unasked.err
        assert gone in unasked.err
    code, screen = served.typed("n\n", "up")
    assert code == 130
    assert "Clients lose this. Continue?" in screen
    assert "Nothing was changed." in screen
    assert served.snapshot() == before
    assert served.request() in served.lab.nodes
    code, screen = served.typed("y\n", "up")
    assert code == 0, screen
    again = served.ok("up", "--json").document
    assert (again["changes"], again["removes"]) == (0, [])


OWN = """\
listen own
    bind *:7700-7702,127.0.0.1:7703
    bind {node}:7704 transparent
    server a 127.0.0.1:6443
listen page
    mode http
    bind *:8500
    stats enable
    stats uri /
"""


def test_ports_of_a_template_are_reported_with_their_purpose(served: Cluster) -> None:
    first = served.lab.address("n1")
    vip = served.lab.vip
    before = dict(served.inventory)
    metrics = {"port": 8405, "address": "0.0.0.0"}
    served.inventory["haproxy"] = {"metrics": metrics}
    served.inventory["templates"] = {"extra": {"defaults": OWN.format(node=first)}}
    served.up()
    served.inventory = {**before, "haproxy": {"metrics": {**metrics, "port": 8406}}}
    plan = served.ok("plan", "--json").document
    assert plan["removes"] == [
        f"Ports 7700-7702 of listener own are removed: connections to {vip}:7700-7702 "
        "will be refused."
    ]
    assert {
        "Metrics move from port 8405 to port 8406.",
        "Metrics move from port 8500 to port 8406.",
        f"n1: haproxy no longer listens on {first}:7704 (listener own), an address of the node.",
    } <= set(plan["warnings"])
    served.inventory = before
    served.up()


def test_listeners_that_swap_ports_with_the_same_backends_remove_nothing(
    served: Cluster,
) -> None:
    served.inventory["listeners"] = [{"port": 9443}, {"name": "other", "port": 9444}]
    served.up()
    served.inventory["listeners"] = [{"port": 9444}, {"name": "other", "port": 9443}]
    assert served.ok("plan", "--json").document["removes"] == []
    served.inventory["listeners"][1]["backend_port"] = 22
    (lost,) = served.ok("plan", "--json").document["removes"]
    assert lost.startswith("Port 9443 changes from listener kube-apiserver to listener other: ")


def test_an_older_inventory_of_another_user_undoes_nothing_unasked(
    served: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = dict(served.inventory)
    monkeypatch.setenv("LOGNAME", "anna")
    served.inventory["haproxy"] = {"maxconn": 7000}
    served.up()
    monkeypatch.setenv("LOGNAME", "berta")
    # What goes on from it is not asked about.
    served.inventory["listeners"] = [{"port": 9443, "maxconn": 4321}]
    plan = served.ok("plan", "--json").document
    assert (plan["changes"] > 0, plan["undoes"]) == (True, [])
    assert "Last applied by anna@" in served.ok("plan").out
    served.inventory = {**older, "listeners": [{"port": 9443, "maxconn": 4321}]}
    before = served.snapshot()
    (sentence,) = served.ok("plan", "--json").document["undoes"]
    assert "haproxy.maxconn changes back from 7000 to 8000; it was changed by anna@" in sentence
    unasked = served.run("up")
    assert unasked.code == 2
    assert sentence in unasked.err
    record_between(
        "an older inventory is applied", "all", "up", 2, sentence, None, "a newer one, or `--yes`"
    )
    code, screen = served.typed("n\n", "up")
    assert code == 130
    assert "This undoes changes of others. Continue?" in screen
    assert served.snapshot() == before
    # Whoever made the change may take it back.
    monkeypatch.setenv("LOGNAME", "anna")
    assert served.ok("plan", "--json").document["undoes"] == []
    monkeypatch.setenv("LOGNAME", "berta")
    assert served.ok("up", "--yes", "--json").document["undoes"] == [sentence]
    served.ok("up", "--rollback")


@pytest.mark.exhaustive
def test_older_contents_that_an_inventory_points_to_undo_nothing_unasked(
    served: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(served.inventory)
    secret = served.folder / "password"
    secret.touch(0o600)
    line = "    timeout http-request"

    def contents(number: int) -> None:
        secret.write_text(f"secret{number}\n")
        with_template(served, line, f"    # version {number}\n{line}")

    contents(1)
    served.inventory["vrrp"] = {"password": f"file:{secret}"}
    monkeypatch.setenv("LOGNAME", "berta")
    served.up()
    monkeypatch.setenv("LOGNAME", "anna")
    contents(2)
    served.up()
    record = served.node("n1", f"cat {ROOT}/applied.json")
    assert '"vrrp.password": "' in record
    assert "secret" not in record
    # An older checkout: the inventory is the same, the files beside it are not.
    monkeypatch.setenv("LOGNAME", "berta")
    contents(1)
    there = served.snapshot()
    undoes = served.ok("plan", "--json").document["undoes"]
    assert [sentence.rpartition("@")[0] for sentence in undoes] == [
        f"the content of {path} changes back to an older version; it was changed by anna"
        for path in ("templates.folder/haproxy.cfg.j2", "vrrp.password")
    ]
    unasked = served.run("up")
    assert unasked.code == 2
    assert undoes[0] in unasked.err
    record_between(
        "older templates are applied", "all", "up", 2, undoes[0], None, "newer ones, or `--yes`"
    )
    assert served.snapshot() == there
    contents(3)
    assert served.ok("plan", "--json").document["undoes"] == []
    served.inventory = before
    served.up()
