"""What listeners answered at the last recorded change (tasks/apply/backends.sh). Pure."""

from __future__ import annotations

import re

from hadeploy.answers.answer import Answer, read_answer
from hadeploy.desired import layout
from hadeploy.inventory.fields import NAME
from hadeploy.observe.observed_node import ObservedNode

# More listeners than that no cluster has, and a node's word is not taken without bounds.
MOST_LINES = 1000


def recorded_listeners(look: ObservedNode) -> dict[str, frozenset[Answer]]:
    """The listeners that had a backend then, and what a client was answered.

    A line is NAME, or NAME and words of answers with a comma between them.

    Args:
        look: the node.

    Returns:
        By name; empty where it is not known what was answered.
    """
    file = look.file(layout.SERVED)
    lines = file.content.decode("utf-8", "replace").splitlines() if file else []
    found: dict[str, frozenset[Answer]] = {}
    for line in lines[:MOST_LINES]:
        name, _, words = line.partition(" ")
        if re.fullmatch(NAME, name):
            answers = map(read_answer, words.split(",")[:MOST_LINES])
            found[name] = frozenset(a for a in answers if a and a.reached and not a.closed)
    return found


def recorded_answers(look: ObservedNode, listener: str) -> frozenset[Answer]:
    """What a listener answered then; empty where that is not known.

    Args:
        look: the node.
        listener: its name.
    """
    return recorded_listeners(look).get(listener, frozenset())
