"""Lines and arguments of scripts. Pure."""

from __future__ import annotations

import base64
import shlex

# Reports the fingerprint of the node as it is now.
FINGERPRINT = 'emit fingerprint "$(fingerprint "$(list_containers 2>/dev/null)")"'


def shell_line(*words: str) -> str:
    """A command and its arguments, quoted."""
    return " ".join(shlex.quote(word) for word in words)


def encoded(text: str) -> str:
    """A text in base64."""
    return base64.b64encode(text.encode()).decode()
