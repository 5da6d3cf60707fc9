"""The output of `hadeploy drill`: on the terminal, and in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hadeploy.cli.common import Options
from hadeploy.cli.files import Target
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.proofs import print_proofs
from hadeploy.drill.record import DrillRecord
from hadeploy.drill.render import render_rounds
from hadeploy.drill.render_timeline import TimelinePicture
from hadeploy.drill.report import report
from hadeploy.drill.text import title
from hadeploy.drill.timeline import timeline
from hadeploy.drill.verdict import Result
from hadeploy.errors import ExitCode
from hadeploy.verify.proof import failed


@dataclass(frozen=True)
class DrillReporter:
    """Shows the rounds of one drill.

    Attributes:
        options: the options of the command.
        outcome: has the record of the drill.
        draw: whether to draw timelines on the terminal; None: a single round, or failed rounds.
        path: the report, or None.
    """

    options: Options
    outcome: Outcome
    draw: bool | None
    path: Path | None

    def require_writable(self) -> None:
        """Check that the report can be written.

        Raises:
            HadeployError: it cannot.
        """
        if self.path:
            self._target(self.path).require_writable()

    def finish(self) -> None:
        """Show the completed rounds, if any, and set the exit code.

        Raises:
            HadeployError: the report cannot be written.
        """
        record = self.outcome.drill
        if record is None or not record.results:
            return
        if failed(self.outcome.proofs):
            print_proofs(self.options, self.outcome)
        if any(result.problems for result in record.results):
            self.outcome.code = ExitCode.NOT_PROVEN
        if not self.options.as_json:
            self._show(record)
        if self.path:
            self._target(self.path).write(report(record).encode())
            self.outcome.report = str(self.path)
            if not self.options.as_json:
                self.options.out.print(f"Report: {self.path}", soft_wrap=True)

    def _show(self, record: DrillRecord) -> None:
        out = self.options.out
        for result in self._drawn(record.results):
            shown = timeline(result.round, result.metrics, record.setting.cluster)
            out.print(TimelinePicture(title(result), shown))
            out.print()
        out.print(render_rounds(record.results))

    def _drawn(self, results: Sequence[Result]) -> Sequence[Result]:
        if self.draw is not None:
            return results if self.draw else []
        if not self.options.out.is_terminal:
            return []
        return results if len(results) == 1 else [r for r in results if r.problems]

    @staticmethod
    def _target(path: Path) -> Target:
        return Target(path, "writing the report", "--report FILE.html", 0o644)
