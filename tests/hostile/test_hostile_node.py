"""A node that is hostile: no command fails of it otherwise than it should, nor harms others."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from hadeploy.observe.gather import LOOK_SECONDS
from tests.hostile.hostile_node import CHANGING, COMMANDS, HostileNode
from tests.hostile.login_shell import REPLIES
from tests.lab.harness import ROOT

# Each command once, and replies of each kind; `make test-all` takes all of both. The last two
# change something.
SHORT = (
    ("check", "always", "other words"),
    ("plan", "always", "another node"),
    ("verify", "always", "half"),
    ("status", "always", "escapes"),
    ("logs", "always", "no words"),
    ("images", "always", "endless lines"),
    ("support", "always", "the last word alone"),
    ("unlock", "always", "a lock"),
    ("render", "always", "other documents"),
    ("adopt", "always", "everything twice"),
    ("prune", "always", "another token"),
    ("status", "always", "slow lines"),
    ("verify", "always", "odd statistics"),
    ("rollback", "looking", "more words"),
    ("down", "looking", "other kinds"),
    ("drain", "later", "no words"),
    ("change", "later", "a failure of an unknown step"),
)


def test_a_hostile_node_gets_no_command_to_do_harm(hostile: HostileNode) -> None:
    assert {command for command, _, _ in SHORT} >= COMMANDS.keys() - {"up", "undrain", "drill"}
    before = hostile.others_now()
    assert [problem for row in SHORT[:-2] for problem in hostile.problems(*row)] == []
    assert hostile.others_now() == before
    assert [problem for row in SHORT[-2:] for problem in hostile.problems(*row)] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("when", ["looking", "later"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_reply_gets_a_command_to_do_harm(hostile: HostileNode, command: str, when: str) -> None:
    before = hostile.others_now()
    problems = []
    for reply in REPLIES:
        problems += hostile.problems(command, when, reply)
        if not hostile.answered:
            # This command asks nothing of that kind.
            break
    assert problems == []
    assert command in CHANGING or hostile.others_now() == before


@pytest.mark.exhaustive
@pytest.mark.parametrize("command", ["verify", "status"])
def test_a_node_that_is_always_alive_and_never_done_is_given_up(
    hostile: HostileNode, command: str
) -> None:
    began = time.monotonic()
    assert hostile.problems(command, "always", "signs of life") == []
    assert LOOK_SECONDS <= time.monotonic() - began < 2 * LOOK_SECONDS
    assert hostile.answered


@pytest.mark.parametrize(
    ("when", "reply"),
    [
        ("afterwards", "half"),
        *(
            pytest.param("afterwards", reply, marks=pytest.mark.exhaustive)
            for reply in REPLIES
            if reply != "half"
        ),
        *(pytest.param("later", reply, marks=pytest.mark.exhaustive) for reply in REPLIES),
    ],
)
def test_after_a_change_a_damaged_answer_leaves_the_outcome_of_each_node_known(
    hostile: HostileNode, when: str, reply: str
) -> None:
    before = hostile.others_now()
    result = hostile.run("change", when, reply, "--json")
    document = result.document
    changed = hostile.others_now() != before
    if result.code and changed:
        assert set(document["nodes"]) == set(hostile.cluster.lab.nodes)
        assert "new" in document["nodes"].values()
        assert all(error["detail"] for error in document["errors"])
    assert hostile.answered
    assert hostile.cluster.request()


FORGED: tuple[dict[str, Any], ...] = (
    {"members": [7]},
    {"at": 5},
    {"files": {"../../root/.ssh/authorized_keys": "0" * 64}},
    {"inventory": {"vip": {"a": 1}, "listeners": [7], "haproxy": []}},
    {"inventory": []},
    {"changes": [{"by": "x", "at": [], "was": 1}]},
    {"by": "\x1b]52;c;aGk=\x07", "version": 7},
    {"containers": [1], "forgotten": "n1"},
    {"interface": "eth0; touch /run/x"},
)


def forge(hostile: HostileNode, change: dict[str, Any]) -> None:
    """Change the record of the hostile node."""
    program = (
        "import json, sys; d = json.load(open(sys.argv[1])); d.update(json.loads(sys.argv[2])); "
        "json.dump(d, open(sys.argv[1], 'w'), indent=1)"
    )
    hostile.cluster.lab.exec(
        hostile.node, ["python3", "-c", program, f"{ROOT}/applied.json", json.dumps(change)]
    )


@pytest.mark.parametrize(
    "change",
    [{"vips": [{}]}, *(pytest.param(one, marks=pytest.mark.exhaustive) for one in FORGED)],
)
def test_a_forged_record_changes_nothing_elsewhere(
    hostile: HostileNode, change: dict[str, Any]
) -> None:
    forge(hostile, change)
    others = hostile.others_now()
    for command in ("check", "status", "up"):
        result = hostile.run(command, "never", "")
        said = result.out + result.err
        assert "internal error" not in said
        assert "\x1b" not in said
    assert result.code == 0
    assert others == hostile.others_now()
    assert hostile.cluster.up()["changes"] == 0


def test_a_record_that_names_strangers_stops_a_change_and_says_whose_it_is(
    hostile: HostileNode,
) -> None:
    forge(hostile, {"members": ["192.0.2.1", "192.0.2.2"], "at": "2099-01-01T00:00:00+00:00"})
    others = hostile.others_now()
    for command in ("check", "up"):
        result = hostile.run(command, "never", "")
        said = " ".join((result.out + result.err).split())
        assert result.code != 0
        assert (
            f"192.0.2.1 was a node of this cluster, by the record of {hostile.node} alone" in said
        )
        assert f"remove {ROOT}/applied.json on {hostile.node}" in said
    assert others == hostile.others_now()
    hostile.cluster.node(hostile.node, f"rm {ROOT}/applied.json")
    hostile.cluster.up()
    assert hostile.cluster.request()
