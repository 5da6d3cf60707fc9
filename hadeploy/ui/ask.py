"""Prompts on the terminal, for a secret (without echo) and for a confirmation."""

from __future__ import annotations

import getpass
import sys

import click
from pydantic import SecretStr

from hadeploy.errors import ExitCode, HadeployError


def ask_secret(question: str) -> SecretStr | None:
    """Ask for a secret on the terminal.

    Args:
        question: the prompt, with colon and space.

    Returns:
        None if there is no terminal or no answer.
    """
    if not _terminal():
        return None
    try:
        return SecretStr(getpass.getpass(question, stream=sys.stderr))
    except EOFError:
        return None


def confirm(
    question: str, *, detail: str = "", as_json: bool = False, changed: bool = False
) -> None:
    """Ask for a confirmation.

    Args:
        question: a yes-no question.
        detail: the changes to confirm, for the error of a run that cannot ask.
        as_json: whether the result is a document; then the function does not ask.
        changed: whether this run has already changed something.

    Raises:
        HadeployError: there is no terminal, or `as_json` is set.
        click.Abort: the answer was no.
    """
    if as_json or not _terminal():
        raise HadeployError(
            "--json cannot ask for confirmation" if as_json else "no terminal to confirm on",
            operation="confirming the change",
            detail=detail or None,
            hint="add --yes to confirm",
            code=ExitCode.USAGE,
        )
    if not click.confirm(question, err=True):
        click.echo("Nothing else was changed." if changed else "Nothing was changed.", err=True)
        raise click.Abort


def _terminal() -> bool:
    # sys.stdin is None if stdin is closed.
    return sys.stdin is not None and sys.stdin.isatty()
