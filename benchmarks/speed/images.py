"""Measure the transfer of images, compared with copying the same files and streaming them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import clean
from benchmarks.speed.floor import at_once
from benchmarks.speed.samples import HADEPLOY, SSH, Key, Samples
from benchmarks.speed.tables import duration, spread, table
from benchmarks.speed.times import well
from benchmarks.tools import Hadeploy
from hadeploy.errors import HadeployError
from hadeploy.inventory.load import load_inventory
from hadeploy.lab.lab import Lab

SCP = "scp"
COPY, STREAM, PUSH = "copy the files, load nothing", "docker load of the stream", "images push"
_TARGET = "/var/tmp/hadeploy-benchmark"


@dataclass
class Sent:
    """The results.

    Attributes:
        samples: by operation and tool.
        archives: megabytes of all archives.
        read: megabytes that `images push` read, in each run.
        packed: megabytes that it sent to each node.
        nodes: the number of nodes.
    """

    archives: float
    nodes: int
    packed: float = 0.0
    read: list[float] = field(default_factory=list)
    samples: Samples = field(default_factory=Samples)


def measure_images(lab: Lab, rounds: int, folder: Path, tell: Callable[[str], None]) -> Sent:
    """Send the lab's images in three ways, in turn; at the end the nodes have them.

    Args:
        lab: the nodes, which are cleaned first.
        rounds: the number of rounds.
        folder: for temporary files.
        tell: receives the current work.

    Raises:
        HadeployError: a transfer failed.
    """
    images = load_inventory(Path(lab.environment["HADEPLOY_INVENTORY"])).images
    archives = [Path(image.archive or "") for image in (images.haproxy, images.keepalived)]
    references = [image.reference for image in (images.haproxy, images.keepalived)]
    size = sum(archive.stat().st_size for archive in archives) / 1e6
    sent = Sent(size, len(lab.nodes), samples=Samples(tell=tell))
    config, tool = str(lab.state.ssh_config), Hadeploy(lab, folder)
    clean(lab)
    for number in range(1, rounds + 1):
        tell(f"images, round {number}")
        for node in lab.nodes:
            lab.exec(node, ["mkdir", "-p", _TARGET])
        copy = [
            ["scp", "-q", "-F", config, *map(str, archives), f"{n}:{_TARGET}/"] for n in lab.nodes
        ]
        _measure(sent.samples, COPY, SCP, copy)
        for node in lab.nodes:
            lab.exec(node, ["rm", "-rf", _TARGET])
        _remove_images(lab, references)
        stream = [["sh", "-c", _streaming(config, node, archives)] for node in lab.nodes]
        _measure(sent.samples, STREAM, SSH, stream)
        _remove_images(lab, references)
        _push(tool, sent)
    return sent


def _push(tool: Hadeploy, sent: Sent) -> None:
    before = _read()
    done = well(tool.own("images", "push"))
    sent.read.append((_read() - before) / 1e6)
    sent.samples.add(PUSH, HADEPLOY, done.seconds, done.cpu)
    # "Images sent: 6, 63 MB in total."
    words = done.out.split("Images sent: ")[1].split()
    sent.packed = float(words[1]) / sent.nodes


def _read() -> float:
    """Bytes that this process and its ended children read from files and pipes, without sockets."""
    lines = Path(f"/proc/{os.getpid()}/io").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("rchar:")))


def _streaming(config: str, node: str, archives: list[Path]) -> str:
    """A shell command that loads all archives on a node, one after the other. Pure."""
    load = shlex.join(("ssh", "-F", config, node, "docker load --quiet"))
    return " && ".join(f"{load} <{shlex.quote(str(archive))} >&2" for archive in archives)


def _measure(samples: Samples, what: str, tool: str, commands: list[list[str]]) -> None:
    done, _ = at_once(commands, Path(os.devnull))
    if done.code:
        raise HadeployError(f"exit code {done.code}", operation=what, detail=done.err[-2000:])
    samples.add(what, tool, done.seconds, done.cpu)


def _remove_images(lab: Lab, references: list[str]) -> None:
    for node in lab.nodes:
        lab.exec(node, ["docker", "rmi", "--force", *references], check=False)


def images_table(sent: Sent) -> list[str]:
    """The results as Markdown. Pure."""
    copy = Key(COPY, SCP)
    rows = [
        (
            key.what,
            key.tool,
            duration(sent.samples.median(key)),
            spread(sent.samples.seconds(key)),
            f"{sent.samples.ratio(key, copy) or 0:.2f}",
            duration(sent.samples.cpu(key) or 0),
        )
        for key in sent.samples.runs
    ]
    return [
        *table(("what", "with", "median", "min..max", "÷ scp", "CPU here"), rows),
        "",
        f"{sent.nodes} nodes, {sent.archives:.0f} MB of archives; `images push` sent "
        f"{sent.packed:.0f} MB to each node and read {max(sent.read):.0f} MB of files in all: the "
        "archives once, what they were compressed to once for each node, and its own program.",
    ]
