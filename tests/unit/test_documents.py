"""What documents refer to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    file.relative_to(ROOT)
    for file in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if file.is_file()
)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()


def anchors(document: str) -> set[str]:
    """The anchors of headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", document, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    text = (ROOT / document).read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / document).parent / path if path else ROOT / document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_each_folder_of_the_package_is_on_the_map() -> None:
    packages = {file.parent.name for file in (ROOT / "hadeploy").glob("*/__init__.py")}
    listed = re.findall(r"`(?:hadeploy/)?(\w+)/`", CONTRIBUTING.partition("## Recipes")[0])
    assert packages - set(listed) == set()


def test_files_that_the_recipes_name_are_there() -> None:
    named = set(re.findall(r"`([\w./-]+\.\w+)`", CONTRIBUTING.partition("## Recipes")[2]))
    places = (ROOT, ROOT / "hadeploy", ROOT / "tests")
    missing = {name for name in named if not any((place / name).exists() for place in places)}
    assert missing == set()


def test_decisions_are_short_and_listed() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    for file in sorted(folder.glob("0*.md")):
        lines = file.read_text().splitlines()
        assert len(lines) <= 40, file.name
        assert f"]({file.name})" in index
        assert [line for line in lines if line.startswith("## ")] == [
            "## Context",
            "## Decision",
            "## Consequences",
        ]
