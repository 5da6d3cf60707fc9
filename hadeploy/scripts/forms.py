"""The valid words of messages that are used as numbers, times or names. Pure.

A node may answer anything; a message that no script of hadeploy sends is refused.
"""

from __future__ import annotations

import re

_TIME = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_ROLE = "(?:haproxy|keepalived)"
# The number of a step in its plan, and the name of its proof; or a name (rollout/drain.py).
STEP = r"[0-9]{1,4}(?:\.[a-z]{1,20})?|[a-z]{1,20}"

# Kind → its words, joined by blanks; compiled when a message arrives. The words of other kinds are
# not used, or their parser validates them.
_FORMS = {
    kind: form
    for form, kinds in (
        (STEP, ("step", "ok")),
        (r"[0-9]{1,9}", ("vip-wait",)),
        # Empty if the node lacks a program for it.
        (r"[0-9a-f]{0,64}", ("fingerprint",)),
        (_TIME, ("clock", "breaking", "broken", "mending", "mended")),
        # The log, and the exit status of `docker logs`.
        (rf"{_ROLE} [0-9]{{1,3}}", ("cut-off",)),
        (rf"{_TIME} {_TIME}(?: .*)?", ("request",)),
        # A user id, its number of connections, and its name if it has one.
        (r"[0-9]{1,10} [0-9]{1,10}(?: .*)?", ("crowd",)),
        (r"[a-z]{1,20}", ("request-kind",)),
        (r"[0-9]{1,12}", ("begin",)),
        (_ROLE, ("absent", "stopped", "running", "validating", "not-started")),
        # The number, or in the body the output of the program (tasks/versions.sh).
        (rf"(?:{_ROLE}|system|Docker)(?: .*)?", ("version",)),
        (r".+", ("missing-image", "lost", "removing", "releasing", "publisher")),
    )
    for kind in kinds
}


class MalformedError(ValueError):
    """A message that no script sends."""


def check_form(kind: str, words: tuple[str, ...]) -> None:
    """Refuse a message whose words are invalid.

    Args:
        kind: the kind of the message.
        words: the words after the kind.

    Raises:
        MalformedError: no script sends such words.
    """
    form = _FORMS.get(kind)
    if form is not None and not re.fullmatch(form, text := " ".join(words)):
        raise MalformedError(f"{kind} {text}".strip())
