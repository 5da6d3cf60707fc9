"""Asking on the terminal: for a secret, without an echo, and for a yes or a no."""

from __future__ import annotations

import getpass
import sys

import click
from pydantic import SecretStr

from hadeploy.errors import ExitCode, HadeployError


def ask_secret(question: str) -> SecretStr | None:
    """Ask on the terminal.

    Args:
        question: what is asked for, with the colon and the space.

    Returns:
        What was typed; None if there is no terminal, or no answer.
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
    """Ask for a yes.

    Args:
        question: to be answered with yes or no.
        detail: what the answer is about, for a run that cannot ask.
        as_json: whether the result is a document; then nothing is asked.
        changed: whether this run has changed something already.

    Raises:
        HadeployError: there is no terminal to ask on.
        click.Abort: the answer was no.
    """
    if as_json or not _terminal():
        raise HadeployError(
            "--json asks nothing" if as_json else "there is no terminal to ask on",
            operation="asking before it changes something",
            detail=detail or None,
            hint=f"{'to confirm' if as_json else 'no terminal to confirm on'}: add --yes",
            code=ExitCode.USAGE,
        )
    if not click.confirm(question, err=True):
        click.echo("Nothing else was changed." if changed else "Nothing was changed.", err=True)
        raise click.Abort


def _terminal() -> bool:
    # Where stdin is closed there is no file at all.
    return sys.stdin is not None and sys.stdin.isatty()
