"""The catalogue, its document, and what may be skipped."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from hadeploy.answers.answer import PROOF
from hadeploy.check.all_checks import CHECKS, IDS, MODULES
from hadeploy.check.catalogue import documentation, refuse_unknown
from hadeploy.check.entry import Check
from hadeploy.errors import ExitCode, HadeployError

DOCS = Path(__file__).parents[3] / "docs" / "checks.md"
PACKAGE = Path(__file__).parents[3] / "hadeploy" / "check"


def test_the_document_is_up_to_date() -> None:
    documented = documentation(CHECKS)
    assert DOCS.read_text() == documented, "python -m hadeploy.check.catalogue >docs/checks.md"


def test_ids_are_unique() -> None:
    assert len(set(IDS)) == len(IDS)


def test_a_check_has_a_function_except_those_of_the_connection() -> None:
    without = {check.id for check in CHECKS if not (check.for_nodes or check.for_clusters)}
    assert without == {"ssh-reach", "ssh-host-key", "ssh-login"}


def test_every_module_with_a_check_is_listed() -> None:
    modules = [
        import_module(f"hadeploy.check.{file.stem}")
        for file in PACKAGE.glob("*.py")
        if re.search(r"^[A-Z0-9_]+ = Check\($", file.read_text(), re.M)
    ]
    unlisted = {module.__name__ for module in set(modules) ^ set(MODULES)}
    assert unlisted == set(), "MODULES in check/all_checks.py"


def test_a_finding_names_its_check_by_the_entry() -> None:
    code = "".join(file.read_text() for file in PACKAGE.glob("*.py"))
    assert re.findall(r'Finding\(\s*"[a-z-]+"', code) == []
    names = {name for module in MODULES for name, v in vars(module).items() if isinstance(v, Check)}
    named = set(re.findall(r"Finding\(\s*([A-Z0-9_]+)\.id", code))
    assert named | {"SSH_REACH", "SSH_HOST_KEY", "SSH_LOGIN"} == names


def test_skipped_checks_are_known_without_importing_the_checks() -> None:
    code = "import sys, hadeploy.check.catalogue; print('hadeploy.check.all_checks' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def test_an_unknown_check_is_refused_with_the_known_ones() -> None:
    with pytest.raises(HadeployError, match="bogus is not a check; allowed: ssh-reach, ") as caught:
        refuse_unknown(["ports", "bogus"], essential=True)
    assert caught.value.code == ExitCode.USAGE
    assert all(check.id in caught.value.message for check in CHECKS)


def test_without_the_essential_ones_there_is_nothing_to_plan() -> None:
    refuse_unknown(["docker"], essential=True)
    with pytest.raises(HadeployError, match="docker cannot be skipped"):
        refuse_unknown(["docker"], essential=False)


def test_what_clients_are_answered_is_proven_by_up_and_can_be_left_out_there() -> None:
    refuse_unknown([PROOF], essential=False)
    with pytest.raises(HadeployError, match=f"{PROOF} is not a check"):
        refuse_unknown([PROOF], essential=True)


def test_each_fact_that_a_check_reads_is_printed_by_a_script() -> None:
    scripts = PACKAGE.parent / "scripts/tasks/observe"
    printed = "".join(file.read_text() for file in scripts.glob("*.sh"))
    for file in PACKAGE.glob("*.py"):
        for name in re.findall(r'"(net/[a-z0-9_/]+)"', file.read_text()):
            assert f"setting {name}\n" in printed, f"{name} of {file.name}"
