"""The user interface on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr
from rich.console import Console
from rich.text import Text

from hadeploy.inventory.cluster import Cluster
from hadeploy.progress import Progress
from hadeploy.ui.ask import ask_secret, confirm
from hadeploy.ui.progress import Lines, Screen

if TYPE_CHECKING:
    from hadeploy.check.finding import Finding
    from hadeploy.plan.steps import Plan
    from hadeploy.rollout.validation import ConfigWarning


class Terminal:
    """Prints on stderr, because stdout is for results.

    Args:
        console: the console on stderr.
        as_json: whether the result is printed as JSON; then no question is asked.
    """

    def __init__(self, console: Console, *, as_json: bool) -> None:
        self._console = console
        self._as_json = as_json

    @contextmanager
    def progress(self, cluster: Cluster, *, brief: bool = False) -> Iterator[Progress]:
        """Show progress in place on a terminal, otherwise as lines, or not at all if brief."""
        console = self._console
        if console.is_terminal:
            with Screen(console, [node.label for node in cluster.nodes], brief=brief) as screen:
                yield screen
        else:
            with Lines(Console(quiet=True) if brief else console) as lines:
                yield lines

    def while_connecting(self) -> None:
        """Import the module that renders results."""
        import hadeploy.ui.render  # noqa: F401

    def note(self, text: str) -> None:
        """Print information."""
        self._console.print(text, soft_wrap=True, markup=False)

    def warning(self, text: str) -> None:
        """Print a warning."""
        self._console.print(Text(f"warning: {text}", "yellow"), soft_wrap=True)

    def findings(self, findings: Sequence[Finding]) -> None:
        """Print one line each."""
        if findings:
            from hadeploy.ui.render_checks import finding_line

            for finding in findings:
                self._console.print(finding_line(finding), soft_wrap=True)

    def config_warnings(self, warnings: Sequence[ConfigWarning]) -> None:
        """Print one line each."""
        from hadeploy.ui.render import config_warning_line

        for warning in warnings:
            self._console.print(config_warning_line(warning), soft_wrap=True)

    def plan(self, plan: Plan, then: str = "", *, note: str = "") -> None:
        """Print the plan as a table."""
        from hadeploy.ui.render import render_plan

        if note:
            self._console.print(note)
        self._console.print(render_plan(plan, then))

    def losses(self, sentences: Sequence[str]) -> None:
        """Print the sentences in red."""
        for sentence in sentences:
            self._console.print(Text(sentence, "red"), soft_wrap=True)

    def confirm(self, question: str, *, detail: str = "", changed: bool = False) -> None:
        """Ask on the terminal.

        Raises:
            HadeployError: there is no terminal to ask on.
            click.Abort: the answer is no.
        """
        confirm(question, detail=detail, as_json=self._as_json, changed=changed)

    def secret(self, prompt: str) -> SecretStr | None:
        """Ask on the terminal, without echo."""
        return ask_secret(prompt)
