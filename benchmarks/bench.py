"""What the scripts share: a lab of their own, what was measured on, and writing it down."""

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
    """A lab that is removed in the end, however that comes, or one that is there.

    Args:
        name: of the one that is made.
        existing: of one that is used instead, and left.
        images: references that will be needed, besides the lab's own.
        nodes: how many the one that is made has.
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
    """What was measured on, name → value.

    Args:
        lab: None: it does without.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    told = {
        "Machine": f"{os.cpu_count()} CPUs, {memory:.0f} GiB, {platform.machine()}, "
        f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
    }
    if lab is not None:
        ask = ["docker", "version", "--format", "{{.Server.Version}}"]
        docker = lab.exec(lab.nodes[0], ask).stdout.strip()
        told["nodes"] = f"{len(lab.nodes)}, Docker {docker}"
        told["images"] = ", ".join(lab_images().values())
    return told


def write(markers: Markers, block: str, output: Path | None) -> None:
    """Put the block into a document; print it where there is none.

    Args:
        markers: where in the document.
        block: Markdown.
        output: the document.
    """
    if output is None:
        print(block)
        return
    text = output.read_text() if output.exists() else ""
    output.write_text(markers.replaced(text, block))
    tell(f"written: {output}")


def tell(message: str) -> None:
    """Say what is going on."""
    print(f"  {message}", file=sys.stderr, flush=True)
