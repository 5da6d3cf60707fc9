"""What clients use does not go away unasked."""

from __future__ import annotations

from tests.lab.harness import Cluster


def test_a_port_goes_away_only_with_a_yes(served: Cluster) -> None:
    gone = (
        "Port 9443 of listener kube-apiserver goes away: "
        f"clients that use {served.lab.vip}:9443 are refused."
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
    assert "Clients lose this. Go on?" in screen
    assert served.snapshot() == before
    assert served.request() in served.lab.nodes
    code, screen = served.typed("y\n", "up")
    assert code == 0, screen
    again = served.ok("up", "--json").document
    assert (again["changes"], again["removes"]) == (0, [])
