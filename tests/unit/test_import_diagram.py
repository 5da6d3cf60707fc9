"""docs/architecture.md shows the imports as they are."""

from __future__ import annotations

import pytest

from scripts.import_diagram import BEGIN, DOCUMENT, with_drawing, without_shortcuts


def test_the_diagram_is_up_to_date() -> None:
    document = DOCUMENT.read_text()
    assert document == with_drawing(document), "python -m scripts.import_diagram"


def test_an_arrow_that_a_longer_way_replaces_is_left_out() -> None:
    imports = {
        "cli": frozenset({"plan", "observe", "errors"}),
        "plan": frozenset({"observe", "errors"}),
        "observe": frozenset({"errors"}),
        "errors": frozenset[str](),
    }
    assert without_shortcuts(imports) == {
        "cli": {"plan"},
        "plan": {"observe"},
        "observe": {"errors"},
        "errors": frozenset(),
    }


def test_two_ways_of_the_same_length_both_stay() -> None:
    imports = {
        "check": frozenset({"adopt", "verify"}),
        "adopt": frozenset({"plan"}),
        "verify": frozenset({"plan"}),
        "plan": frozenset[str](),
    }
    assert without_shortcuts(imports) == imports


def test_a_circle_is_named() -> None:
    imports = {"check": frozenset({"verify"}), "verify": frozenset({"check"})}
    with pytest.raises(ValueError, match="check, verify import each other"):
        without_shortcuts(imports)


@pytest.mark.parametrize("document", ["no mark\n", BEGIN])
def test_a_document_without_both_marks_is_an_error(document: str) -> None:
    with pytest.raises(ValueError, match=r"architecture\.md lacks the line"):
        with_drawing(document)
