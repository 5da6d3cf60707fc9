"""Several inventories: what is refused before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hadeploy.cli.fleet import FleetOutcome
from hadeploy.cli.main import COMMANDS, main
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.fleet.member import ClusterResult, Member
from hadeploy.fleet.verdict import DONE
from tests.result_schema import result_schema

GOOD = "name: site-{0}\nvip: 198.51.100.{0}9\nnodes: [198.51.100.{0}1, 198.51.100.{0}2]\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HADEPLOY_INVENTORY", raising=False)
    (tmp_path / "fleet").mkdir()
    for name in ("1", "2"):
        (tmp_path / "fleet" / f"{name}.yaml").write_text(GOOD.format(name))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["hadeploy", *arguments])
        # Nothing may begin.
        monkeypatch.setattr("hadeploy.fleet.runner.Fleet.run", lambda _: pytest.fail("begun"))
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return run


ONE_CLUSTER = sorted(set(COMMANDS) - set(DONE) - {"schema", "lab", "images"})
NEEDED = {"drain": ["n1"], "undrain": ["n1"]}


@pytest.mark.parametrize("command", [*([c] for c in ONE_CLUSTER), ["images", "push"]])
@pytest.mark.parametrize("named", [["-i", "fleet"], ["-i", "a.yaml", "-i", "b.yaml"]])
def test_other_commands_take_one_inventory(run: Run, command: list[str], named: list[str]) -> None:
    code, out, err = run(*command, *NEEDED.get(command[0], []), *named)
    assert (code, out) == (2, "")
    assert f"`{command[-1]}` takes one inventory" in err


def test_a_folder_may_be_named_by_the_environment(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADEPLOY_INVENTORY", "fleet")
    assert "`render` takes one inventory, but fleet is a directory" in run("render")[2]
    assert "--limit cannot be used with several inventories" in run("up", "--limit", "n1")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "--limit", "n1"], "run the command with that inventory only"),
        (["plan", "--allow-degraded", "n1"], "run the command with that inventory only"),
        (["up", "--forget", "n1"], "run the command with that inventory only"),
        (["check", "--ask-sudo-password"], "set ssh.sudo_password"),
        (["--ask-sudo-password", "verify"], "set ssh.sudo_password"),
        (["status", "--watch"], "watch the clusters one by one"),
        (["status", "--metrics-file", "m"], "write one file for each inventory"),
        (["down"], "add --yes"),
        (["up", "--concurrency", "0"], "0 is not in the range"),
    ],
)
def test_options_that_need_one_inventory_get_a_hint(
    run: Run, arguments: list[str], said: str
) -> None:
    code, out, err = run(*arguments, "-i", "fleet", "--json")
    assert code == json.loads(out)["exit_code"] == 2
    result_schema().validate(json.loads(out))
    assert said in err


@pytest.mark.parametrize("where", ["before", "after"])
def test_every_mistake_in_every_inventory_is_reported_at_once(
    run: Run, tmp_path: Path, where: str
) -> None:
    fleet = tmp_path / "fleet"
    (fleet / "3.yaml").write_text("vip: nonsense\n")
    (fleet / "4.yaml").write_text("nodse: []\n")
    (fleet / "5.yaml").write_text(GOOD.format("5") + "vrrp: {password: env:NOT_SET}\n")
    (fleet / "6.yaml").write_text(GOOD.format("6") + "templates: {folder: nowhere}\n")
    (fleet / "7.yaml").write_text(GOOD.format("1"))
    named = ["-i", "fleet", "-i", "none.yaml"]
    arguments = [*named, "up"] if where == "before" else ["up", *named]
    code, out, err = run("--json", *arguments)
    document = json.loads(out)
    result_schema().validate(document)
    assert code == document["exit_code"] == 2
    assert [(c["inventory"], c["exit_code"]) for c in document["clusters"]] == [
        *((f"fleet/{n}.yaml", None) for n in range(1, 8)),
        ("none.yaml", None),
    ]
    for said in (
        "fleet/3.yaml:1:6: vip:",
        "fleet/4.yaml:1:1: nodse: unknown key",
        "fleet/5.yaml:4:18: vrrp.password: env:NOT_SET: the variable is not set",
        "fleet/6.yaml: reading templates.folder: ",
        "fleet/7.yaml:2:6: vip: 198.51.100.19 is also a VIP of fleet/1.yaml",
        "inventory none.yaml not found",
    ):
        assert err.count(said) == 1
    assert "fleet/2.yaml" not in err


@pytest.mark.parametrize(("command", "reported"), [(["down", "--yes"], 0), (["up"], 1)])
def test_down_needs_no_secret_that_it_does_not_need_of_one(
    run: Run, tmp_path: Path, command: list[str], reported: int
) -> None:
    (tmp_path / "fleet" / "1.yaml").write_text(GOOD.format("1") + "vrrp: {password: env:NOT_SET}\n")
    code, _, err = run(*command, "-i", "fleet", "-i", "none.yaml")
    assert code == 2
    assert err.count("env:NOT_SET: the variable is not set") == reported


def test_a_pipe_cannot_be_read_twice(run: Run) -> None:
    code, _, err = run("up", "-i", "fleet", "-i", "/dev/null")
    assert code == 2
    assert "/dev/null is not a regular file" in err


def test_an_unknown_check_is_reported_once(run: Run) -> None:
    code, _, err = run("check", "-i", "fleet", "--skip", "bogus")
    assert code == 2
    assert err.count("bogus is not a check") == 1


MEMBER = Member("a.yaml", "a", "a")
OUTCOMES = {
    "nothing yet": FleetOutcome("up"),
    "mistakes": FleetOutcome(
        "up", [ClusterResult(Member("a.yaml", "", ""))], [HadeployError("no")], ExitCode.USAGE
    ),
    "ends": FleetOutcome(
        "up",
        [
            ClusterResult(
                MEMBER, 0, "up", 1.234, json.dumps(Outcome(command="up", cluster="a").document())
            ),
            ClusterResult(MEMBER, 1, "failed", 0.5, '{"cut o'),
            ClusterResult(MEMBER, None, "not started"),
        ],
        code=ExitCode.FAILED,
    ),
}


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES.keys())
def test_documents_are_as_the_schema_says(outcome: FleetOutcome) -> None:
    document: dict[str, Any] = json.loads(json.dumps(outcome.document()))
    result_schema().validate(document)
    assert not result_schema().is_valid({**document, "more": 1})


def test_a_cluster_that_was_cut_off_has_no_document() -> None:
    clusters = OUTCOMES["ends"].document()["clusters"]
    assert [c["document"] and c["document"]["cluster"] for c in clusters] == ["a", None, None]
    assert [c["seconds"] for c in clusters] == [1.23, 0.5, None]
