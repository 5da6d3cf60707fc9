"""What the words of a message may be, where they are used as numbers, times or names. Pure.

A node may answer anything; a message that no script of ours says is refused where it arrives.
"""

from __future__ import annotations

import re

_TIME = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_ROLE = "(?:haproxy|keepalived)"
# The number of a step in its plan, and the part of it that is proven; or a name (rollout/drain.py).
STEP = r"[0-9]{1,4}(?:\.[a-z]{1,20})?|[a-z]{1,20}"

# Kind → its words, with one blank between them; compiled when one arrives. Of a kind that is not
# here the words are not used, or by a parser that checks them itself.
_FORMS = {
    kind: form
    for form, kinds in (
        (STEP, ("step", "ok")),
        (r"[0-9]{1,9}", ("vip-wait",)),
        # Empty where the node lacks the programs for it.
        (r"[0-9a-f]{0,64}", ("fingerprint",)),
        (_TIME, ("clock", "breaking", "broken", "mending", "mended")),
        # Of a log, with the exit status of what read it.
        (rf"{_ROLE} [0-9]{{1,3}}", ("cut-off",)),
        (rf"{_TIME} {_TIME}(?: .*)?", ("request",)),
        (r"[a-z]{1,20}", ("request-kind",)),
        (r"[0-9]{1,12}", ("begin",)),
        (_ROLE, ("absent", "stopped", "running", "validating", "not-started")),
        # With the number, or with what a program says of itself below it (tasks/versions.sh).
        (rf"(?:{_ROLE}|system|Docker)(?: .*)?", ("version",)),
        (r".+", ("missing-image", "lost", "removing", "releasing", "publisher")),
    )
    for kind in kinds
}


class MalformedError(ValueError):
    """A message that no script says; what of it is wrong is the message, for display."""


def check_form(kind: str, words: tuple[str, ...]) -> None:
    """Refuse a message whose words cannot be what they stand for.

    Args:
        kind: the message's.
        words: what follows it.

    Raises:
        MalformedError: they are not as the scripts of hadeploy say them.
    """
    form = _FORMS.get(kind)
    if form is not None and not re.fullmatch(form, said := " ".join(words)):
        raise MalformedError(f"{kind} {said}".strip())
