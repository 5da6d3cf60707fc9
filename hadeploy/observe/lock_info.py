"""The lock of a node, from the output of lib/lock_read.sh, with validated fields. Pure."""

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
    """The valid fields of the lock in the reply of any script; empty if there is none."""
    fields = reply.fields("lock")
    if not fields:
        return {}
    return {
        name: printable(fields[name])
        for name, form in _FORMS.items()
        if re.fullmatch(form, fields.get(name, ""))
    }
