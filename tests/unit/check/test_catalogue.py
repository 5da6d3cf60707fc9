"""The catalogue, its document, and what may be skipped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hadeploy.answers.answer import PROOF
from hadeploy.check.catalogue import CHECKS, IDS, documentation, refuse_unknown
from hadeploy.errors import ExitCode, HadeployError

DOCS = Path(__file__).parents[3] / "docs" / "checks.md"
PACKAGE = Path(__file__).parents[3] / "hadeploy" / "check"


def test_the_document_is_up_to_date() -> None:
    assert DOCS.read_text() == documentation(), "python -m hadeploy.check.catalogue >docs/checks.md"


def test_ids_are_unique_and_every_check_is_made_somewhere() -> None:
    assert len(set(IDS)) == len(IDS)
    code = "".join(file.read_text() for file in PACKAGE.glob("[!c]*.py"))
    code += "".join((PACKAGE / name).read_text() for name in ("connection.py", "certificates.py"))
    made = set(re.findall(r'Finding\(\s*"([a-z-]+)"', code))
    assert made | {"ssh-reach", "ssh-host-key", "ssh-login"} == set(IDS)


def test_an_unknown_check_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        HadeployError, match="bogus is not a check; there are ssh-reach, "
    ) as caught:
        refuse_unknown(["ports", "bogus"], essential=True)
    assert caught.value.code == ExitCode.USAGE
    assert all(check.id in caught.value.message for check in CHECKS)


def test_without_the_essential_ones_there_is_nothing_to_plan() -> None:
    refuse_unknown(["docker"], essential=True)
    with pytest.raises(HadeployError, match="docker is essential and cannot be skipped"):
        refuse_unknown(["docker"], essential=False)


def test_what_clients_are_answered_is_proven_by_up_and_can_be_left_out_there() -> None:
    refuse_unknown([PROOF], essential=False)
    with pytest.raises(HadeployError, match=f"{PROOF} is not a check"):
        refuse_unknown([PROOF], essential=True)
