"""pyproject.toml allows the versions that are tested and installed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
LOCKS: Final = {
    "tool": ("dependencies",),
    "development": ("dependencies", "dev"),
}
# A requirement of a lock file: its line, its hashes, and the comment that says who wants it.
PIN: Final = re.compile(
    r"^(?P<pin>\S+==[^\\\n]+?) \\\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)"
    r"(?P<wanted>    # via.*\n(?:    #   .*\n)*)",
    re.M,
)


def test_the_lowest_versions_are_those_of_the_project() -> None:
    lowest = (ROOT / "tests" / "lowest.txt").read_text()
    tested = re.findall(r"^([\w.-]+)==([\d.]+)$", lowest, re.M)
    wanted = [str(r) for r in _of_the_project("dependencies")]
    assert tested == [tuple(re.findall(r"^([\w.-]+).*>=([\d.]+)", r)[0]) for r in wanted]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_meets_pyproject_or_make_lock_is_needed(name: str) -> None:
    lock = (ROOT / "requirements" / f"{name}.txt").read_text()
    direct: dict[str, list[Requirement]] = {}
    for pin in PIN.finditer(lock):
        if "hadeploy" in pin["wanted"]:
            locked = Requirement(pin["pin"])
            direct.setdefault(canonicalize_name(locked.name), []).append(locked)
    wanted = [r for table in LOCKS[name] for r in _of_the_project(table)]
    assert sorted(direct) == sorted({canonicalize_name(r.name) for r in wanted})
    for requirement in wanted:
        for locked in direct[canonicalize_name(requirement.name)]:
            (version,) = locked.specifier
            assert version.version in requirement.specifier, f"{locked}: {requirement} is wanted"


@pytest.mark.parametrize("name", LOCKS)
def test_each_line_of_a_lock_file_is_a_version_with_hashes(name: str) -> None:
    """No line names a package index: pip uses its configured one."""
    lock = (ROOT / "requirements" / f"{name}.txt").read_text()
    rest = PIN.sub("", lock)
    assert len(PIN.findall(lock)) >= 20
    assert [line for line in rest.splitlines() if not line.startswith("#")] == []
    assert "://" not in lock


def test_the_tool_runs_with_the_versions_that_it_is_developed_with() -> None:
    tool, development = (
        {(pin["pin"].partition(" ;")[0], pin["hashes"]) for pin in PIN.finditer(text)}
        for text in ((ROOT / "requirements" / f"{name}.txt").read_text() for name in LOCKS)
    )
    assert tool <= development


def _of_the_project(table: str) -> list[Requirement]:
    """What a list of pyproject.toml says; Python 3.10 has no reader of TOML."""
    project = (ROOT / "pyproject.toml").read_text()
    lines = re.search(rf"^{table} = \[\n(.*?)^\]", project, re.M | re.S)
    assert lines
    return [Requirement(text) for text in re.findall(r'^    "([^"]+)"', lines[1], re.M)]
