"""What was seen of a cluster, told to people, to programs and to Prometheus."""

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

    def keep_telling(self, picture: RenderableType, looks: Iterator[ClusterSnapshot]) -> None:
        """Tell until Ctrl-C: in place in a terminal, one below the other elsewhere.

        Args:
            picture: of the first look.
            looks: those that follow.
        """
        options = self.options
        in_place = options.out.is_terminal and not options.as_json
        live = Live(console=options.out, auto_refresh=False) if in_place else None
        with live or nullcontext():
            while True:
                if options.as_json:
                    self.outcome.print()
                elif live:
                    live.update(picture, refresh=True)
                else:
                    options.out.print(picture)
                picture = self.tell(next(looks))


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
