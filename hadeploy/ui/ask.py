"""Asking for a secret on the terminal, without an echo."""

from __future__ import annotations

import getpass
import sys

from pydantic import SecretStr


def ask_secret(question: str) -> SecretStr | None:
    """Ask on the terminal.

    Args:
        question: what is asked for, with the colon and the space.

    Returns:
        What was typed; None if there is no terminal, or no answer.
    """
    if not sys.stdin.isatty():
        return None
    try:
        return SecretStr(getpass.getpass(question, stream=sys.stderr))
    except EOFError:
        return None
