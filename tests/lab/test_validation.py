"""What the programs and the engine would say to a change is said before anything is touched."""

from __future__ import annotations

from tests.lab.harness import Cluster, Result
from tests.lab.test_check import address_here

IGNORED = "fullconn 10\nhttp-check expect status 200"


def warned(result: Result) -> set[tuple[str, str]]:
    """(line, first word of the message) of each warning; each is of all nodes and reported once."""
    found = result.document["config_warnings"]
    assert {tuple(sorted(w["nodes"])) for w in found} <= {("n1", "n2", "n3")}
    assert len(found) == len({w["message"] for w in found})
    assert all(w["message"] in result.err for w in found)
    return {(w["line"].partition(": ")[2], w["message"].split()[0]) for w in found}


def test_settings_that_haproxy_ignores_are_reported_by_plan_and_up(served: Cluster) -> None:
    served.inventory["templates"] = {"extra": {"listener": IGNORED}}
    before = served.snapshot()
    expected = {
        ("fullconn 10", "'fullconn'"),
        ("http-check expect status 200", "'http-check'"),
        ("", "frontend"),
    }
    assert warned(served.ok("plan", "--json")) == expected
    assert served.snapshot() == before
    assert warned(served.ok("up", "--json")) == expected
    assert warned(served.ok("plan", "--json")) == set(), "nothing changes, nothing is validated"
    del served.inventory["templates"]
    assert served.up()["config_warnings"] == []


def test_a_node_that_forbids_changes_is_reported_before_any_change(served: Cluster) -> None:
    before = served.snapshot()
    served.inventory["haproxy"] = {"maxconn": 1_000_000}
    for command in ("plan", "up"):
        result = served.run(command, "--json")
        assert result.code == 3
        refused = {
            (c["node"], c["id"]) for c in result.document["checks"] if c["verdict"] == "fail"
        }
        assert refused == {(node, "nofile") for node in served.lab.nodes}
    # Without the check, the engine itself is asked.
    result = served.run("plan", "--skip", "nofile")
    assert result.code == 1
    assert "the Docker engine does not start haproxy" in result.err
    assert "setting rlimit" in result.err
    assert "lower haproxy.maxconn" in result.err
    del served.inventory["haproxy"]
    second = served.lab.vip.rpartition(".")[0] + ".101"
    served.inventory["vip"] = [served.lab.vip, second]
    with address_here(served, second):
        for command in ("plan", "check"):
            result = served.run(command)
            assert result.code == 3
            assert f"{second} is in use by a machine that is not a node" in result.err + result.out
    assert served.snapshot() == before
