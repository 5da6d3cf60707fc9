"""Shared parts of the scripts: the lab, the description of the machine, and the output."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.document import Markers
from hadeploy.lab.images.store import ensure_image, lab_images
from hadeploy.lab.lab import Lab

DOCUMENTS = Path(__file__).parent.parent / "docs"


@contextmanager
def bench_lab(
    name: str, existing: str | None, images: Sequence[str], *, nodes: int = 3
) -> Iterator[Lab]:
    """A new lab, which is always removed at the end, or an existing one.

    Args:
        name: of the new lab.
        existing: the name of a lab to use and keep, or None.
        images: references of further images to prepare.
        nodes: the number of nodes of the new lab.
    """
    if existing:
        yield Lab.find(existing)
        return
    for reference in (*lab_images().values(), *images):
        ensure_image(reference, tell)
    Lab.remove(name)
    try:
        yield Lab.up(name, nodes=nodes, report=tell)
    finally:
        tell(f"removing the lab {name}")
        Lab.remove(name)


def machine(lab: Lab | None) -> dict[str, str]:
    """The description of the machine, name → value.

    Args:
        lab: None for a measurement without a lab.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    values = {
        "Machine": f"{os.cpu_count()} CPUs, {memory:.0f} GiB, {platform.machine()}, "
        f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
    }
    if lab is not None:
        ask = ["docker", "version", "--format", "{{.Server.Version}}"]
        docker = lab.exec(lab.nodes[0], ask).stdout.strip()
        values["nodes"] = f"{len(lab.nodes)}, Docker {docker}"
        values["images"] = ", ".join(lab_images().values())
    return values


def write(markers: Markers, block: str, output: Path | None) -> None:
    """Write a block to a document, or print it.

    Args:
        markers: its place in the document.
        block: Markdown.
        output: the document, or None for stdout.
    """
    if output is None:
        print(block)
        return
    text = output.read_text() if output.exists() else ""
    output.write_text(markers.replaced(text, block))
    tell(f"written: {output}")


def tell(message: str) -> None:
    """Print the current work to stderr."""
    print(f"  {message}", file=sys.stderr, flush=True)
