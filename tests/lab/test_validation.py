"""What the programs and the engine would say to a change is said before anything is touched."""

from __future__ import annotations

from tests.lab.harness import Cluster, Result

IGNORED = "fullconn 10\nhttp-check expect status 200"


def warned(result: Result) -> set[tuple[str, str]]:
    """(line, first word of the message) of each warning; each is of all nodes, and told once."""
    found = result.document["config_warnings"]
    assert {tuple(sorted(w["nodes"])) for w in found} <= {("n1", "n2", "n3")}
    assert len(found) == len({w["message"] for w in found})
    assert all(w["message"] in result.err for w in found)
    return {(w["line"].partition(": ")[2], w["message"].split()[0]) for w in found}


def test_what_haproxy_ignores_is_said_by_plan_and_up(served: Cluster) -> None:
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
