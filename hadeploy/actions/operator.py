"""Whoever runs an action: told what happens, and asked before clients lose something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.progress import Progress, Silent

if TYPE_CHECKING:
    from pydantic import SecretStr

    from hadeploy.check.model import Finding
    from hadeploy.inventory.model import Cluster
    from hadeploy.plan.model import Plan
    from hadeploy.rollout.validation import ConfigWarning


class Operator(Protocol):
    """What an action tells, and asks for."""

    def progress(
        self, cluster: Cluster, *, brief: bool = False
    ) -> AbstractContextManager[Progress]:
        """Where progress is reported; `brief`: nothing of it needs to stay on the screen."""

    def while_connecting(self) -> None:
        """Called in a thread while the nodes are connected: a good time to import modules."""

    def note(self, text: str) -> None:
        """What it is good to know."""

    def warning(self, text: str) -> None:
        """A warning, each once."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Warnings of checks, each once."""

    def config_warnings(self, warnings: Sequence[ConfigWarning]) -> None:
        """What haproxy or keepalived warn of in their new configuration, each once."""

    def plan(self, plan: Plan, then: str = "", *, note: str = "") -> None:
        """The plan that is applied next.

        Args:
            plan: the steps.
            then: what a second plan does afterwards; "" for nothing.
            note: said before it.
        """

    def losses(self, sentences: Sequence[str]) -> None:
        """What clients or others lose by the plan that follows."""

    def confirm(self, question: str, *, detail: str = "", changed: bool = False) -> None:
        """Ask for consent.

        Args:
            question: to be answered with yes or no.
            detail: what the question is about.
            changed: whether this run has changed something already.

        Raises:
            HadeployError: nobody can be asked.
            Exception: the answer was no.
        """

    def secret(self, prompt: str) -> SecretStr | None:
        """Ask for a password or passphrase; None: there is none."""


class Unattended:
    """An operator for programs: prints nothing, and has no passwords to give."""

    @contextmanager
    def progress(self, cluster: Cluster, *, brief: bool = False) -> Iterator[Progress]:  # noqa: ARG002
        """Report nothing."""
        yield Silent()

    def while_connecting(self) -> None:
        """Import nothing."""

    def note(self, text: str) -> None:
        """Print nothing."""

    def warning(self, text: str) -> None:
        """Print nothing."""

    def findings(self, findings: Sequence[Finding]) -> None:
        """Print nothing: the result has them."""

    def config_warnings(self, warnings: Sequence[ConfigWarning]) -> None:
        """Print nothing: the result has them."""

    def plan(self, plan: Plan, then: str = "", *, note: str = "") -> None:
        """Print nothing: the result has it."""

    def losses(self, sentences: Sequence[str]) -> None:
        """Print nothing: the plan has them."""

    def confirm(self, question: str, *, detail: str = "", changed: bool = False) -> None:  # noqa: ARG002
        """Refuse.

        Raises:
            HadeployError: always.
        """
        raise HadeployError(
            "this needs consent",
            operation="asking before it changes something",
            detail=detail or None,
            hint="consent=True",
            code=ExitCode.USAGE,
        )

    def secret(self, prompt: str) -> SecretStr | None:  # noqa: ARG002
        """None."""
        return None
