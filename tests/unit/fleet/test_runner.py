"""Processes of clusters, with commands that need no node."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hadeploy.fleet.model import Ending, Member
from hadeploy.fleet.runner import Fleet

GOOD = ["--version"]
BAD = ["plan", "--inventory=none.yaml"]


@dataclass
class Heard:
    lines: list[tuple[str, str]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def line(self, member: Member, text: str) -> None:
        self.lines.append((member.label, text))

    def ended(self, ending: Ending) -> None:
        self.ends.append(ending.member.label)

    def interrupted(self) -> None:
        raise AssertionError("nobody did")


def run(*orders: list[str], most: int = 1, fail_fast: bool = False) -> tuple[list[Ending], Heard]:
    heard = Heard()
    named = {Member(f"{n}.yaml", str(n), str(n)): words for n, words in enumerate(orders)}
    return Fleet(named, heard, most=most, fail_fast=fail_fast).run(), heard


def test_each_has_its_code_its_words_and_its_errors() -> None:
    endings, heard = run(GOOD, BAD, most=2)
    assert [ending.code for ending in endings] == [0, 2]
    assert endings[0].said.startswith("hadeploy ")
    (error,) = endings[1].errors
    assert error.what == "there is no inventory none.yaml (named by -i)"
    assert error.hint
    assert heard.lines == [], "an error is no line"
    assert sorted(heard.ends) == ["0", "1"]


@pytest.mark.parametrize(("fail_fast", "codes"), [(False, [0, 2, 0]), (True, [0, 2, None])])
def test_after_a_failure_none_is_begun_if_that_is_wanted(
    fail_fast: bool, codes: list[int | None]
) -> None:
    endings, heard = run(GOOD, BAD, GOOD, fail_fast=fail_fast)
    assert [ending.code for ending in endings] == codes
    assert heard.ends == ["0", "1", "2"][: len([c for c in codes if c is not None])]


def test_what_lies_in_the_current_folder_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("signal", "click", "json"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit(77)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    assert run(GOOD)[0][0].code == 0
