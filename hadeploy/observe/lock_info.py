"""The lock that a node tells of (lib/lock_read.sh), each field as what it is. Pure."""

from __future__ import annotations

import re

from hadeploy.inventory.problems import printable
from hadeploy.scripts.protocol import Reply

_NUMBER = r"-?[0-9]{1,12}"
_FORMS = {
    "token": r"[A-Za-z0-9-]{1,64}",
    "owner": r".+",
    "purpose": r".+",
    "process": r"[0-9a-f:-]{1,200}",
    "age": _NUMBER,
    "left": _NUMBER,
    "working": "yes",
}


def lock_info(reply: Reply) -> dict[str, str]:
    """The fields of the lock that a script found; empty if it told of none.

    A field that is not what it should be is left out.

    Args:
        reply: of any script.
    """
    told = reply.fields("lock")
    if not told:
        return {}
    return {
        name: printable(told[name])
        for name, form in _FORMS.items()
        if re.fullmatch(form, told.get(name, ""))
    }
