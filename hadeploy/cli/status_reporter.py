"""The output of `hadeploy status`: on the terminal, as JSON, and as metrics for Prometheus."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from hadeploy.cli.common import Options
from hadeploy.cli.outcome import Outcome
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.status.build import cluster_status
from hadeploy.status.cluster_status import Health
from hadeploy.status.metrics import metrics
from hadeploy.status.render import render_status
from hadeploy.status.snapshot import ClusterSnapshot

CODES: dict[Health, ExitCode] = {
    "healthy": ExitCode.OK,
    "degraded": ExitCode.NOT_PROVEN,
    "down": ExitCode.DOWN,
    "unknown": ExitCode.UNREACHABLE,
}


@dataclass(frozen=True)
class StatusReporter:
    """Shows snapshots of a cluster.

    Attributes:
        options: the options of the command.
        outcome: receives the status and the proofs.
        every: seconds between two snapshots; None for one snapshot.
        file: the metrics file, or None.
    """

    options: Options
    outcome: Outcome
    every: float | None
    file: Path | None

    def report(self, snapshot: ClusterSnapshot) -> RenderableType:
        """Evaluate one snapshot, and write the metrics.

        Returns:
            The status for the terminal.
        """
        now = datetime.datetime.now(datetime.timezone.utc)
        status, proofs = cluster_status(snapshot, now.isoformat(timespec="seconds"))
        name = snapshot.cluster.name
        self.outcome.status, self.outcome.proofs = status, proofs
        self.outcome.code = CODES[status.verdict]
        if self.file:
            _write(self.file, metrics(name, status, now.timestamp()))
        rendered = render_status(name, status, proofs)
        if self.every is None:
            return rendered
        at = now.astimezone().strftime("%H:%M:%S")
        return Group(rendered, Text(f"at {at}, every {self.every:g} s", "dim"))

    def show_until_interrupted(
        self, rendered: RenderableType, snapshots: Iterator[ClusterSnapshot]
    ) -> None:
        """Show snapshots until Ctrl-C: in place on a terminal, otherwise one below the other.

        Args:
            rendered: the first snapshot, rendered.
            snapshots: the other snapshots.
        """
        options = self.options
        in_place = options.out.is_terminal and not options.as_json
        live = Live(console=options.out, auto_refresh=False) if in_place else None
        with live or nullcontext():
            while True:
                if options.as_json:
                    self.outcome.print()
                elif live:
                    live.update(rendered, refresh=True)
                else:
                    options.out.print(rendered)
                rendered = self.report(next(snapshots))


def _write(file: Path, text: str) -> None:
    """Replace the file atomically, so that a reader finds the old or the new content.

    Raises:
        HadeployError: the file cannot be written.
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
            hint="check that the directory exists and that you may write to it",
        ) from error
