"""What was seen of a cluster, told to people, to programs and to Prometheus."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from hadeploy.certificates.reader import CertificateReader
from hadeploy.check.our_folder import moved_folders
from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode, HadeployError, NodesError
from hadeploy.observe.model import ObservedNode
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.desired_state import desired_state
from hadeploy.status.build import cluster_status
from hadeploy.status.metrics import metrics
from hadeploy.status.model import Verdict
from hadeploy.status.poller import NodePoller
from hadeploy.status.render import render_status
from hadeploy.status.situation import ClusterSnapshot
from hadeploy.verify.certificates import backends_up
from hadeploy.verify.from_here import elsewhere, from_here
from hadeploy.verify.model import Proof

CODES: dict[Verdict, ExitCode] = {
    "healthy": ExitCode.OK,
    "degraded": ExitCode.NOT_PROVEN,
    "down": ExitCode.DOWN,
    "unknown": ExitCode.UNREACHABLE,
}


@dataclass(frozen=True)
class StatusReporter:
    """Tells what was seen.

    Attributes:
        options: the command's.
        outcome: given what was seen.
        every: seconds between two looks; None for one look.
        file: where metrics go, if anywhere.
    """

    options: Options
    outcome: Outcome
    every: float | None
    file: Path | None

    def tell(self, situation: ClusterSnapshot) -> RenderableType:
        """Judge one look; what is for machines is written.

        Returns:
            The picture for people.
        """
        now = datetime.datetime.now(datetime.timezone.utc)
        status, proofs = cluster_status(situation, now.isoformat(timespec="seconds"))
        name = situation.cluster.name
        self.outcome.status, self.outcome.proofs = status, proofs
        self.outcome.code = CODES[status.verdict]
        if self.file:
            _write(self.file, metrics(name, status, now.timestamp()))
        picture = render_status(name, status, proofs)
        if self.every is None:
            return picture
        at = now.astimezone().strftime("%H:%M:%S")
        return Group(picture, Text(f"at {at}, every {self.every:g} s", "dim"))


def keep_telling(
    teller: StatusReporter,
    inputs: Inputs,
    nodes: NodePoller,
    reader: CertificateReader,
    first: ClusterSnapshot,
    *,
    here: bool,
) -> NoReturn:
    """Tell and look until Ctrl-C: in place in a terminal, one below the other elsewhere.

    Args:
        teller: knows how often.
        inputs: all that the run was given.
        nodes: looked at.
        reader: reads the backends' certificates.
        first: the first look.
        here: whether this machine asks, too.
    """
    options = teller.options
    in_place = options.out.is_terminal and not options.as_json
    live = Live(console=options.out, auto_refresh=False) if in_place else None
    situation = first
    with live or nullcontext():
        while True:
            picture = teller.tell(situation)
            if options.as_json:
                teller.outcome.print()
            elif live:
                live.update(picture, refresh=True)
            else:
                options.out.print(picture)
            time.sleep(teller.every or 0)
            situation = situation_of(inputs, reader, *nodes.look(reader.begin), here=here)


def situation_of(
    inputs: Inputs,
    reader: CertificateReader,
    observed: Mapping[str, ObservedNode],
    unreachable: Mapping[str, HadeployError],
    *,
    here: bool,
) -> ClusterSnapshot:
    """One look at all nodes, beside what the inventory makes of it.

    Args:
        inputs: all that the run was given.
        reader: reads the backends' certificates.
        observed: by node label.
        unreachable: why the others could not be observed, by label.
        here: whether this machine asks, too.

    Raises:
        NodesError: the files of nodes are not where the inventory says.
    """
    cluster = inputs.cluster
    if moved := moved_folders(cluster, observed):
        raise NodesError([finding.error() for finding in moved])
    desired = desired_state(inputs, cluster, observed, inputs.password)
    plan = make_plan(cluster, desired, observed)
    situation = ClusterSnapshot(cluster, desired, observed, plan, unreachable)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: _from_here(situation) if here else [])
        certificates = reader.read(backends_up(cluster, observed))
    return replace(situation, certificates=certificates, here=asked.result())


def _from_here(situation: ClusterSnapshot) -> list[Proof]:
    """What the VIPs that were applied answer on this machine, if it may be near them."""
    if not situation.records or elsewhere(situation.cluster):
        return []
    force = situation.in_force()
    return from_here(force.cluster, force.observed)


def _write(file: Path, text: str) -> None:
    """All at once: whoever reads it finds the old one or the new one.

    Raises:
        HadeployError: it could not be written.
    """
    new = file.with_name(f"{file.name}.new")
    try:
        new.write_text(text)
        new.chmod(0o644)
        new.replace(file)
    except OSError as error:
        raise HadeployError(
            f"{error.strerror}: {error.filename}",
            operation="writing the metrics",
            hint="is it a folder that you may write to?",
        ) from error
