"""The scripts of a run are text, and can be read as such."""

from __future__ import annotations

import dataclasses
import shlex
import shutil
import subprocess

import pytest
from pydantic import SecretStr

from hadeploy.desired.roles import Role
from hadeploy.images.load import missing_images_script, pull_script
from hadeploy.observe.gather import observation_script
from hadeploy.plan.backends import ExpectedBackend
from hadeploy.plan.down import make_down_plan
from hadeploy.plan.inputs import Login
from hadeploy.plan.rolling import make_plan
from hadeploy.plan.steps import Action, NodePlan, Step
from hadeploy.rollout.change import Change
from hadeploy.rollout.down import down_script
from hadeploy.rollout.lock import Lock
from hadeploy.rollout.scripts import apply_script, restore_script
from hadeploy.rollout.staging_scripts import stage_script, trial_script
from hadeploy.rollout.takeover import changed_answers, takeover_proofs
from tests.unit import builders
from tests.unit.verify.test_answers import cluster


def change(node: str) -> Change:
    cluster = builders.cluster()
    lock = Lock("c", "up", "token")
    return Change(
        cluster, builders.desired(cluster)[node], lock, "{}", "c0ffee", (builders.VIP,), 23
    )


def scripts() -> dict[str, str]:
    cluster = builders.cluster()
    desired = builders.desired(cluster)
    fresh = {node: builders.empty(node) for node in desired}
    healthy = builders.healthy(cluster)
    (first, *_) = make_plan(cluster, desired, fresh).nodes
    (down, *_) = make_down_plan(cluster, healthy).nodes
    lock = Lock("c", "up", "token")
    return {
        "observe": observation_script(cluster),
        "stage": stage_script(cluster, desired["n1"], ("haproxy", "keepalived"), lock, "f" * 16),
        "trial": trial_script(desired["n1"], ("haproxy", "keepalived")),
        "apply": apply_script(change("n1"), first, "f" * 16, otherwise="restore"),
        "restore": restore_script(change("n1"), "f" * 16),
        "down": down_script(cluster, down, healthy[down.node], lock),
        "pull": pull_script("haproxy:3", cluster, Login("r.example", "me", SecretStr("'$x"))),
        "look": missing_images_script(("haproxy:3", "keepalived:2")),
    }


@pytest.mark.parametrize(
    "name", ["observe", "stage", "trial", "apply", "restore", "down", "pull", "look"]
)
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_script_is_sound_sh(name: str, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.fail(f"{shell} is not installed")
    done = subprocess.run(
        [shell, "-n"], input=scripts()[name], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name", ["observe", "stage", "trial", "apply", "restore", "down", "pull", "look"]
)
def test_a_script_that_arrives_incomplete_does_nothing(name: str) -> None:
    lines = scripts()[name].rstrip().splitlines()
    assert lines[-1] == "main </dev/null"
    # Everything but the last line, with a PATH on which there is nothing to do harm with.
    done = subprocess.run(
        ["/bin/dash"],
        input="HD_TOKEN=t\n" + "\n".join(lines[:-1]),
        text=True,
        capture_output=True,
        check=False,
        env={"PATH": "/nonexistent"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_what_changes_is_staged_and_validated() -> None:
    cluster = builders.cluster()
    desired = builders.desired(cluster)["n1"]
    lock, roles = Lock("c", "up", "token"), {desired.container("haproxy").role}
    script = stage_script(cluster, desired, roles, lock, "f" * 16)
    lines = [line.split()[:2] for line in script.splitlines()]
    assert [words[1] for words in lines if words[:1] == ["validate"]] == ["haproxy"]
    assert not [words for words in lines if words[:1] == ["put"] and "keepalived" in words[1]]


def test_each_container_is_proven_right_after_it_was_touched() -> None:
    lines = [line for line in scripts()["apply"].splitlines() if line.startswith("step ")]
    verbs = [line.split()[2] for line in lines]
    assert verbs == ["if_ports_are_free", "prove_haproxy", "recreate", "prove_keepalived", "record"]


def test_files_go_live_while_the_container_is_replaced_and_not_before() -> None:
    lines = scripts()["apply"].splitlines()
    words = [shlex.split(line) for line in lines if line.startswith("step ")]
    (haproxy,) = [line for line in words if "if_ports_are_free" in line]
    (keepalived,) = [line for line in words if line[2:3] == ["recreate"]]
    assert haproxy[5:8] == ["recreate", "c-haproxy", "haproxy/haproxy.cfg"]
    assert keepalived[3:5] == [
        "c-keepalived",
        "keepalived/check-haproxy.sh keepalived/keepalived.conf",
    ]


def test_a_file_that_only_a_reload_reads_is_live_before_it() -> None:
    written = Step("write-file", "haproxy/haproxy.cfg", "", role="haproxy")
    reload = Step("reload-container", "c-haproxy", "", role="haproxy")
    turn = NodePlan("n2", (written, reload))
    script = apply_script(change("n2"), turn, "f" * 16, otherwise="restore")
    verbs = [line.split()[2] for line in script.splitlines() if line.startswith("step ")]
    assert verbs == ["swap", "if_ports_are_free", "prove_haproxy"]


def test_after_a_new_haproxy_keepalived_must_take_part_again() -> None:
    cluster = builders.cluster()
    desired = builders.desired(cluster)
    observed = builders.healthy(cluster)
    gone = dataclasses.replace(observed["n2"], containers=observed["n2"].containers[1:])
    (plan,) = [
        node
        for node in make_plan(cluster, desired, {**observed, "n2": gone}).nodes
        if node.node == "n2"
    ]
    script = apply_script(change("n2"), plan, "f" * 16, otherwise="restore")
    verbs = [line.split()[2] for line in script.splitlines() if line.startswith("step ")]
    assert verbs == ["if_ports_are_free", "prove_haproxy", "prove_keepalived", "record"]


@pytest.mark.parametrize(
    ("others", "proven"),
    [
        pytest.param([], "0.proof", id="alone"),
        pytest.param(
            [Step("reload-container", "c-keepalived", "", role="keepalived")],
            "1.proof",
            id="when keepalived has read its new file",
        ),
    ],
)
def test_a_new_check_script_is_proven(others: list[Step], proven: str) -> None:
    written = Step("write-file", "keepalived/check-haproxy.sh", "", role="keepalived")
    steps = (written, *others, Step("write-record", "applied.json", ""))
    script = apply_script(change("n1"), NodePlan("n1", steps), "f" * 16, otherwise="restore")
    lines = [shlex.split(line) for line in script.splitlines() if line.startswith("step ")]
    proofs = [words for words in lines if words[2] == "prove_keepalived"]
    assert [words[1] for words in proofs] == [proven]
    # The check's fall, and that many times its interval and timeout, and a second.
    assert proofs[0][-2:] == ["1", "7"]


def test_haproxy_is_only_touched_where_its_ports_are_its_own() -> None:
    steps = [line for line in scripts()["apply"].splitlines() if line.startswith("step ")]
    (words,) = [shlex.split(line) for line in steps if "if_ports_are_free" in line]
    assert words[2:6] == ["if_ports_are_free", "c-haproxy", "9443 19443", "recreate"]


def test_down_stops_keepalived_before_haproxy_and_removes_the_record_last() -> None:
    lines = scripts()["down"].splitlines()
    stops = [line.split()[1] for line in lines if line.startswith("stop_and_remove ")]
    assert stops == ["c-keepalived", "c-haproxy"]
    (files,) = [line for line in lines if line.startswith("remove_files ")]
    assert files.split()[-1] == "applied.json"


def turn(*steps: tuple[Action, Role | None]) -> NodePlan:
    return NodePlan("n1", tuple(Step(action, "x", "", role=role) for action, role in steps))


@pytest.mark.parametrize(
    ("steps", "proofs"),
    [
        pytest.param(
            [("reload-container", "keepalived"), ("write-record", None)],
            {0: "prove_takeover", 1: "confirm_takeover"},
            id="before it reads its file, and when it has the VIP",
        ),
        pytest.param(
            [
                ("hold", None),
                ("start-container", "keepalived"),
                ("finish-handover", None),
                ("write-record", None),
            ],
            {2: "prove_takeover", 3: "confirm_takeover"},
            id="one that was down is held until then",
        ),
        pytest.param([("write-record", None)], {}, id="nothing lets it win"),
    ],
)
def test_a_node_that_is_about_to_win_is_asked_for_its_backends(
    steps: list[tuple[Action, Role | None]], proofs: dict[int, str]
) -> None:
    expected = (ExpectedBackend("api-backend/n1"),)
    found = takeover_proofs(builders.cluster(), expected, [builders.VIP], turn(*steps))
    assert {number: command[0] for number, command in found.items()} == proofs
    assert takeover_proofs(builders.cluster(), (), [builders.VIP], turn(*steps)) == {}


def test_what_was_served_is_served_without_the_containers_that_are_stopped() -> None:
    steps = (
        Step("disable-container", "keepalived", ""),
        Step("disable-container", "haproxy", ""),
        Step("write-record", "applied.json", ""),
    )
    expected = (ExpectedBackend(":9443", ":9443"),)
    of_node = dataclasses.replace(change("n1"), backends=expected)
    script = apply_script(of_node, NodePlan("n1", steps), "f" * 16, otherwise="restore")
    lines = script.splitlines()
    first, second, proof, record = (n for n, line in enumerate(lines) if line.startswith("step "))
    assert lines.index("expect_backends") < first < second < proof < record
    assert lines[proof].startswith("step 1.backends prove_disabled ")


@pytest.mark.parametrize(
    ("before", "now", "reported"),
    [
        ("tls", "tls", ()),
        ("tls", "closed", ("answered TLS before, and closes every connection at once now",)),
        ("tls", "refused", ("answered TLS before, and refuses connections now",)),
        # No client was answered.
        ("closed", "refused", ()),
        ("unreached", "closed", ()),
    ],
)
def test_a_node_that_has_won_the_vip_answers_clients_as_the_one_before_it(
    before: str, now: str, reported: tuple[str, ...]
) -> None:
    problem = changed_answers(cluster(before), cluster(now), "n2")
    assert (problem.detail if problem else ()) == tuple(
        f"port 9443 of {builders.VIP} {one}" for one in reported
    )
