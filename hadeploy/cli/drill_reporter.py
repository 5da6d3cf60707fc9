"""The output of `hadeploy drill`: on the terminal, and in a report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hadeploy.actions.run import Run
from hadeploy.cli.common import Options
from hadeploy.cli.files import Target
from hadeploy.cli.outcome import Outcome
from hadeploy.cli.proofs import print_proofs
from hadeploy.drill.render import render_rounds
from hadeploy.drill.render_timeline import TimelinePicture
from hadeploy.drill.report import Setting, report
from hadeploy.drill.text import title
from hadeploy.drill.timeline import timeline
from hadeploy.drill.trial import Round
from hadeploy.drill.verdict import Result, result_of
from hadeploy.drill.versions import versions
from hadeploy.errors import ExitCode
from hadeploy.rollout.prepare import Prepared
from hadeploy.support.collect import redactor_of
from hadeploy.support.redact import Redactor
from hadeploy.verify.proof import failed


@dataclass
class DrillReporter:
    """Shows the rounds of one drill.

    Attributes:
        options: the options of the command.
        outcome: receives the results.
        max_outage: allowed seconds without an answer, or None.
        draw: whether to draw timelines on the terminal; None: a single round, or failed rounds.
        path: the report, or None.
        rounds: the completed rounds.
        complete: whether the drill ran to its end.
    """

    options: Options
    outcome: Outcome
    max_outage: float | None
    draw: bool | None
    path: Path | None
    rounds: list[Round] = field(default_factory=list)
    complete: bool = False
    _about: tuple[Setting, Redactor] | None = None

    def require_writable(self) -> None:
        """Check that the report can be written.

        Raises:
            HadeployError: it cannot.
        """
        if self.path:
            self._target(self.path).require_writable()

    def prepare(self, run: Run, prepared: Prepared) -> None:
        """Collect the facts for the report before the first failure.

        Args:
            run: the connections.
            prepared: the proven state of the cluster.
        """
        cluster = prepared.cluster
        # Only the report shows versions.
        running = versions(cluster, run.sessions) if self.path else {}
        setting = Setting(cluster, prepared.desired, running, time.time(), self.max_outage)
        self._about = setting, redactor_of(run.inputs, run.dialer, prepared.observed)

    def finish(self) -> None:
        """Show the completed rounds, if any, and set the exit code.

        Raises:
            HadeployError: the report cannot be written.
        """
        if not (self.rounds and self._about):
            return
        setting, redactor = self._about
        results = [result_of(round_, self.max_outage) for round_ in self.rounds]
        self.outcome.drill = results
        if failed(self.outcome.proofs):
            print_proofs(self.options, self.outcome)
        if any(result.problems for result in results):
            self.outcome.code = ExitCode.NOT_PROVEN
        if not self.options.as_json:
            self._show(setting, results)
        if self.path:
            page = report(setting, results, redactor, complete=self.complete)
            self._target(self.path).write(page.encode())
            self.outcome.report = str(self.path)
            if not self.options.as_json:
                self.options.out.print(f"Report: {self.path}", soft_wrap=True)

    def _show(self, setting: Setting, results: Sequence[Result]) -> None:
        out = self.options.out
        for result in self._drawn(results):
            events = timeline(result.round, result.figures, setting.cluster)
            out.print(TimelinePicture(title(result), events))
            out.print()
        out.print(render_rounds(results))

    def _drawn(self, results: Sequence[Result]) -> Sequence[Result]:
        if self.draw is not None:
            return results if self.draw else []
        if not self.options.out.is_terminal:
            return []
        return results if len(results) == 1 else [r for r in results if r.problems]

    @staticmethod
    def _target(path: Path) -> Target:
        return Target(path, "writing the report", "--report FILE.html", 0o644)
