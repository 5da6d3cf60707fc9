"""Write the diagram of hadeploy's packages and their imports to docs/architecture.md (Mermaid).

    python -m scripts.import_diagram

The layers are those of the import-linter contract in pyproject.toml. The diagram omits an arrow if
a longer path leads to the same package.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import grimp
from importlinter.api import read_configuration

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- drawn by scripts/import_diagram.py -->\n"
END = "<!-- end of the drawing -->\n"

Imports = Mapping[str, frozenset[str]]


def layers() -> list[str]:
    """The packages that the contract lists, highest first, without `__main__`."""
    contracts = read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    listed = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [str(layer) for layer in listed if layer != "__main__"]


def package_imports(packages: list[str]) -> Imports:
    """For each package, the packages that its modules import."""
    graph = grimp.build_graph("hadeploy", cache_dir=None)
    owners = {
        module: package
        for package in packages
        for module in (f"hadeploy.{package}", *graph.find_descendants(f"hadeploy.{package}"))
    }
    found: dict[str, set[str]] = {package: set() for package in packages}
    for module, package in owners.items():
        imported = graph.find_modules_directly_imported_by(module)
        found[package] |= {owners[name] for name in imported if name in owners} - {package}
    return {package: frozenset(others) for package, others in found.items()}


def reachable(imports: Imports, start: str) -> frozenset[str]:
    """All packages that a package imports, also indirectly."""
    found: set[str] = set()
    left = [start]
    while left:
        new = imports[left.pop()] - found
        found |= new
        left += new
    return frozenset(found)


def without_shortcuts(imports: Imports) -> Imports:
    """The imports without those that a longer path also reaches.

    Raises:
        ValueError: packages import each other in a cycle.
    """
    below = {package: reachable(imports, package) for package in imports}
    cycle = [package for package in imports if package in below[package]]
    if cycle:
        raise ValueError(f"{', '.join(cycle)} import each other; lint-imports shows where")
    return {
        package: frozenset(
            other for other in direct if not any(other in below[between] for between in direct)
        )
        for package, direct in imports.items()
    }


def mermaid(packages: list[str], imports: Imports) -> str:
    """A flowchart with an arrow from each package to every package that it imports."""
    arrows = [
        f"  {package} --> {other}"
        for package in packages
        for other in packages
        if other in imports[package]
    ]
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```", ""])


def drawing() -> str:
    """The diagram of the current code."""
    packages = layers()
    return mermaid(packages, without_shortcuts(package_imports(packages)))


def with_drawing(document: str) -> str:
    """The document with a new diagram between the two marks.

    Raises:
        ValueError: the document lacks a mark.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{DOCUMENT.name} lacks the line {BEGIN if not begin else END}")
    return f"{before}{begin}\n{drawing()}\n{end}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_drawing(DOCUMENT.read_text()))
