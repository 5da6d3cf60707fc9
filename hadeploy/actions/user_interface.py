"""The interface between actions and their user: events, questions and secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.progress import Progress, Silent

if TYPE_CHECKING:
    from pydantic import SecretStr

    from hadeploy.check.finding import Finding
    from hadeploy.inventory.cluster import Cluster
    from hadeploy.plan.steps import Plan
    from hadeploy.rollout.validation import ConfigWarning


class UserInterface(Protocol):
    """Receives the events of an action, and answers its questions."""

    def progress(
        self, cluster: Cluster, *, brief: bool = False
    ) -> AbstractContextManager[Progress]:
        """Show progress; `brief` clears it from the screen at the end."""

    def while_connecting(self) -> None:
        """Import modules; runs in a thread during the connection to the nodes."""

    def note(self, text: str) -> None:
        """Show information."""

    def warning(self, text: str) -> None:
        """Show a warning."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Show warnings of checks."""

    def config_warnings(self, warnings: Sequence[ConfigWarning]) -> None:
        """Show warnings of haproxy and keepalived about the new configuration."""

    def plan(self, plan: Plan, then: str = "", *, note: str = "") -> None:
        """Show the plan that is applied next.

        Args:
            plan: the steps.
            then: what a second plan does afterwards, or "".
            note: a heading, or "".
        """

    def losses(self, sentences: Sequence[str]) -> None:
        """Show the losses for clients or other users by the next plan."""

    def confirm(self, question: str, *, detail: str = "", changed: bool = False) -> None:
        """Ask a yes/no question.

        Args:
            question: the question.
            detail: the losses for clients or other users.
            changed: whether this run has already changed a node.

        Raises:
            HadeployError: no terminal to ask on.
            Exception: the answer is no.
        """

    def secret(self, prompt: str) -> SecretStr | None:
        """Ask for a password or passphrase; None if there is no terminal."""


class Unattended:
    """For programs: prints nothing, declines every question, and has no passwords."""

    @contextmanager
    def progress(self, cluster: Cluster, *, brief: bool = False) -> Iterator[Progress]:  # noqa: ARG002
        """Show nothing."""
        yield Silent()

    def while_connecting(self) -> None:
        """Import nothing."""

    def note(self, text: str) -> None:
        """Show nothing."""

    def warning(self, text: str) -> None:
        """Show nothing."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Show nothing: they are in the result."""

    def config_warnings(self, warnings: Sequence[ConfigWarning]) -> None:
        """Show nothing: they are in the result."""

    def plan(self, plan: Plan, then: str = "", *, note: str = "") -> None:
        """Show nothing: it is in the result."""

    def losses(self, sentences: Sequence[str]) -> None:
        """Show nothing: they are in the plan."""

    def confirm(self, question: str, *, detail: str = "", changed: bool = False) -> None:  # noqa: ARG002
        """Decline.

        Raises:
            HadeployError: always.
        """
        raise HadeployError(
            "confirmation required",
            operation="asking for confirmation",
            detail=detail or None,
            hint="set consent=True",
            code=ExitCode.USAGE,
        )

    def secret(self, prompt: str) -> SecretStr | None:  # noqa: ARG002
        """None."""
        return None
