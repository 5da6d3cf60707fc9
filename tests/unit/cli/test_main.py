"""The command line: options before and after the command, and mistakes in it."""

import json
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest
from jsonschema import Draft202012Validator

from hadeploy.cli.main import main
from tests.result_schema import parse_result


class Ended(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return parse_result(self.out)


class Run(Protocol):
    def __call__(self, *arguments: str) -> Ended: ...


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HADEPLOY_INVENTORY", raising=False)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr("sys.argv", ["hadeploy", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("arguments", "command", "said"),
    [
        (["plan", "--bogus", "--json"], "plan", "--bogus"),
        (["drain", "--json"], "drain", "NODE"),
        (["up", "--json", "--timeout", "soon"], "up", "soon"),
        (["--json", "frobnicate"], None, "frobnicate"),
        (["--json"], None, "Missing command"),
        (["--json", "lab", "status"], None, "lab has no option --json"),
        (["lab", "status", "--json", "--bogus"], "lab status", "--bogus"),
    ],
)
def test_a_wrong_command_line_is_reported_in_json_too(
    run: Run, arguments: list[str], command: str | None, said: str
) -> None:
    ended = run(*arguments)
    assert ended.code == ended.document["exit_code"] == 2
    assert ended.document["command"] == command
    (error,) = ended.document["errors"]
    assert said in error["message"]
    assert said in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--grep", "(", "--node", "n1"], "'(' is not a regular expression: missing )"),
        (["--since", "10"], "'10': neither a duration (90s, 10m, 1h30m) nor a time"),
        (["--container", "nginx"], "'nginx' is not one of 'haproxy', 'keepalived'"),
        (["--node", "n9"], "the inventory has no node n9; it has n1, n2, n3"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_logs_prints_lines_alone_on_stdout(
    run: Run, tmp_path: Path, arguments: list[str], said: str
) -> None:
    names = ("n1", "n2", "n3")
    nodes = [f"{{name: {n}, address: 198.51.100.1{i}}}" for i, n in enumerate(names)]
    (tmp_path / "inventory.yaml").write_text(f"vip: 198.51.100.100\nnodes: [{', '.join(nodes)}]\n")
    ended = run("logs", "--json", *arguments)
    assert ended[:2] == (2, "")
    assert said in ended.err


def test_without_json_a_wrong_command_line_prints_nothing_on_stdout(run: Run) -> None:
    assert run("plan", "--bogus")[:2] == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--json", "-i", "mine.yaml"],
        ["--json", "plan", "-i", "mine.yaml"],
        ["-i", "mine.yaml", "--json", "plan"],
        ["-i", "other.yaml", "plan", "-i", "mine.yaml", "--json"],
    ],
    ids=" ".join,
)
def test_common_options_stand_before_or_after_the_command(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert ended.document["command"] == "plan"
    assert ended.document["errors"][0]["message"] == "inventory mine.yaml not found (from -i)"


@pytest.mark.parametrize(
    "arguments",
    [
        ["images", "push", "-i", "mine.yaml", "--json"],
        ["-i", "mine.yaml", "--json", "images", "push"],
    ],
    ids=" ".join,
)
def test_so_they_may_with_the_commands_of_a_group(run: Run, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.document["command"] == "images push"
    assert ended.document["errors"][0]["message"] == "inventory mine.yaml not found (from -i)"


def test_an_option_before_a_command_that_has_no_use_for_it_is_refused(run: Run) -> None:
    ended = run("-i", "mine.yaml", "lab", "status")
    assert ended.code == 2
    assert "lab has no option -i" in ended.err


def test_a_missing_secret_is_reported_at_the_place_of_its_reference(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inventory.yaml").write_text(
        "vip: 198.51.100.9\nnodes: [198.51.100.1, 198.51.100.2]\n"
        "vrrp:\n  version: 2\n  password: env:NONE\n"
    )
    monkeypatch.delenv("NONE", raising=False)
    ended = run("plan", "--json")
    assert ended.code == 2
    (error,) = ended.document["errors"]
    said = "inventory.yaml:5:13: vrrp.password: env:NONE: the variable is not set"
    assert error["message"] == said
    assert error["hint"] == "export NONE before you run hadeploy"
    assert f"error: {said}" in ended.err

    monkeypatch.setenv("NONE", "much too long")
    ended = run("plan", "--json")
    assert ended.document["errors"][0]["message"].startswith("inventory.yaml:5:13: vrrp.password: ")
    assert "much too long" not in ended.out + ended.err


@pytest.mark.parametrize("subject", ["inventory", "result"])
def test_both_schemas_are_printed(run: Run, subject: str) -> None:
    ended = run("schema", "--of", subject)
    assert ended.code == 0
    Draft202012Validator.check_schema(json.loads(ended.out))


@pytest.mark.parametrize(
    ("section", "where"),
    [
        ("ssh: {sudo_password: env:NOT_SET}", "inventory.yaml:3:22: ssh.sudo_password"),
        ("vrrp: {password: env:NOT_SET}", "inventory.yaml:3:18: vrrp.password"),
    ],
)
def test_a_missing_secret_is_reported_at_its_place(run: Run, section: str, where: str) -> None:
    Path("inventory.yaml").write_text(
        f"vip: 198.51.100.9\nnodes: [198.51.100.1, 198.51.100.2, 198.51.100.3]\n{section}\n"
    )
    ended = run("plan")
    assert ended.code == 2
    assert f"{where}: env:NOT_SET: the variable is not set" in ended.err
    assert "export NOT_SET" in ended.err
