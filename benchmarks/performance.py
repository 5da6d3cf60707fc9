"""Compare the time of hadeploy with raw ssh and other tools, and write docs/performance.md.

    sudo .venv/bin/python benchmarks/performance.py

It creates a lab, and many small nodes for large clusters, and removes them at the end.
"""

from __future__ import annotations

import compileall
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click

import hadeploy
from benchmarks.bench import DOCUMENTS, bench_lab, machine, tell, write
from benchmarks.document import Markers
from benchmarks.speed.budgets import Judged, judged
from benchmarks.speed.crowd import MOST
from benchmarks.speed.images import images_table, measure_images
from benchmarks.speed.latency import measure_latency
from benchmarks.speed.pictures import scale_picture, times_picture
from benchmarks.speed.samples import Samples
from benchmarks.speed.scale import SIZES, judge_scale, measure_scale, scale_table
from benchmarks.speed.tables import budget_table, delays_table, in_short, times_table
from benchmarks.speed.times import measure_round
from benchmarks.tools import Hadeploy, Tool, install_peers, peer_versions, peers
from hadeploy.errors import HadeployError
from hadeploy.lab.images.store import lab_images
from hadeploy.lab.lab import Lab

DOCUMENT = DOCUMENTS / "performance.md"
README = DOCUMENTS.parent / "README.md"
PARTS = ("times", "latency", "scale", "images")
PEERS = ("Ansible", "pyinfra")


@dataclass
class Found:
    """The results, which are written part by part, so that a later failure loses nothing.

    Attributes:
        output: the document; None for stdout.
        rounds: the number of rounds.
        judgements: of all measured budgets.
        short: one sentence with ratios.
    """

    output: Path | None
    rounds: int
    judgements: list[Judged] = field(default_factory=list)
    short: str = ""

    def tell(
        self,
        part: str,
        lines: list[str],
        measured_on: dict[str, str],
        rounds: int,
        picture: str = "",
    ) -> None:
        """Write one part.

        Args:
            part: its name.
            lines: Markdown.
            measured_on: name → value.
            rounds: the number of rounds.
            picture: SVG, or "".
        """
        on = "; ".join(f"{key}: {value}" for key, value in measured_on.items() if value)
        times = f"{rounds} round{'s'[: rounds > 1]}"
        block = "\n".join([*lines, "", f"{times}. {on}."])
        write(Markers(f"performance-{part}", "performance"), block, self.output)
        if picture and self.output is not None:
            self.output.with_name(f"{self.output.stem}-{part}.svg").write_text(picture)


def _counts(context: click.Context, option: click.Parameter, text: str) -> list[int]:
    """Parse numbers such as 3,10,30, and sort them."""
    del context, option
    words = text.split(",")
    if not all(word.strip().isdecimal() for word in words):
        raise click.BadParameter("must be numbers separated by commas, such as 3,10,30")
    counts = sorted({int(word) for word in words})
    if len(counts) < 2 or not 1 <= counts[0] < counts[-1] <= MOST:
        raise click.BadParameter(f"must be at least two different numbers from 1 to {MOST}")
    return counts


@click.command()
@click.option(
    "--lab",
    "name",
    default="speed",
    show_default=True,
    help="Create a lab of this name; the small nodes use the same name with a c.",
)
@click.option("--use-lab", help="Use this lab, without its load balancer, and keep it.")
@click.option(
    "--rounds",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of rounds; slow links and images have half as many.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(PARTS),
    help="A part; may be repeated. Default: all.",
)
@click.option("--without-peers", is_flag=True, help="Skip Ansible and pyinfra.")
@click.option(
    "--sizes",
    default=",".join(map(str, SIZES)),
    show_default=True,
    callback=_counts,
    help="Numbers of nodes of the large clusters; at least two.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Output file, with the plots in the same directory. "
    "Default: docs/performance.md; for some parts: stdout.",
)
def main(
    name: str,
    use_lab: str | None,
    rounds: int,
    only: tuple[str, ...],
    without_peers: bool,
    sizes: list[int],
    output: Path | None,
) -> None:
    """Measure the time of hadeploy; exit with 1 if it misses a budget."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parts = [part for part in PARTS if part in only or not only]
    whole = not only and not without_peers and sizes == list(SIZES)
    document = output or (DOCUMENT if whole else None)
    if document is not None:
        # Fails now, not after ten minutes, if the file cannot be written.
        document.parent.mkdir(parents=True, exist_ok=True)
        document.touch()
    found = Found(document, rounds)
    # pip compiles packages, including the other tools, but not editable ones. With
    # PYTHONDONTWRITEBYTECODE, each run would compile hadeploy again.
    compileall.compile_dir(Path(hadeploy.__file__).parent, quiet=1)
    try:
        with tempfile.TemporaryDirectory(prefix="performance-") as scratch:
            folder = Path(scratch)
            if {*parts} - {"scale"}:
                with bench_lab(name, use_lab, ()) as lab:
                    _on_lab(lab, parts, folder, found, with_peers=not without_peers)
            if "scale" in parts:
                # Derived from the name of the lab, with the maximum length.
                looks = measure_scale(f"{name[:6]}c", sizes, rounds, folder, tell)
                found.judgements += judge_scale(looks)
                lines = [*budget_table(judge_scale(looks)), "", *scale_table(looks)]
                found.tell("scale", lines, machine(None), rounds, scale_picture(looks))
    except HadeployError as error:
        raise click.ClickException("\n".join(filter(None, (str(error), error.detail)))) from error
    if found.short:
        readme = README if document == DOCUMENT else None
        write(Markers("performance-short", "performance"), found.short, readme)
    missed = [judgement for judgement in found.judgements if judgement.kept is False]
    for judgement in missed:
        tell(f"budget missed: {judgement.words}: {judgement.found}")
    sys.exit(1 if missed else 0)


def _on_lab(lab: Lab, parts: list[str], folder: Path, found: Found, *, with_peers: bool) -> None:
    on = machine(lab)
    # Measurements with large differences need fewer rounds.
    half = (found.rounds + 1) // 2
    with _peers_installed(folder, wanted=with_peers and bool({*parts} & {"times", "latency"})):
        peers_on = on | peer_versions() if with_peers else on
        tell("loading the images into the nodes")
        # Before the measurement, which excludes the transfer of images.
        lab.load_images(*lab_images().values())
        if "times" in parts:
            samples = _times(lab, found.rounds, folder, with_peers=with_peers)
            judgements = judged(samples)
            found.judgements += judgements
            found.short = in_short(samples)
            lines = [*budget_table(judgements), "", *times_table(samples)]
            found.tell("times", lines, peers_on, found.rounds, times_picture(samples))
        if "latency" in parts:
            delayed = measure_latency(lab, half, folder, tell, with_peers=with_peers)
            found.tell("latency", delays_table(delayed), peers_on, half)
        if "images" in parts:
            sent = measure_images(lab, half, folder, tell)
            found.tell("images", images_table(sent), on, half)


def _times(lab: Lab, rounds: int, folder: Path, *, with_peers: bool) -> Samples:
    samples = Samples(tell=tell)
    tools: list[Tool] = [Hadeploy(lab, folder)]
    if with_peers:
        tools += [peer for peer in peers(lab) if peer.title in PEERS]
    for number in range(rounds):
        tell(f"times, round {number + 1}")
        # Rotate the order, so that effects of the order are the same for all tools.
        turn = number % len(tools)
        measure_round(lab, tools[turn:] + tools[:turn], folder, samples, tell)
    return samples


@contextmanager
def _peers_installed(folder: Path, *, wanted: bool) -> Iterator[None]:
    """Install the other tools, and close Ansible's persistent connections at the end."""
    if not wanted:
        yield
        return
    tell("installing Ansible and pyinfra")
    install_peers()
    os.environ["ANSIBLE_HOME"] = str(folder)
    try:
        yield
    finally:
        for socket in (folder / "cp").glob("*"):
            subprocess.run(
                ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "none"],
                capture_output=True,
                check=False,
            )


if __name__ == "__main__":
    main()
