"""The recorded answers of listeners to clients (tasks/apply/backends.sh). Pure."""

from __future__ import annotations

import re

from hadeploy.answers.answer import Answer, read_answer
from hadeploy.desired import layout
from hadeploy.inventory.fields import NAME
from hadeploy.observe.observed_node import ObservedNode

# A limit that no valid file reaches, because the content comes from a node.
MOST_LINES = 1000


def recorded_listeners(state: ObservedNode) -> dict[str, frozenset[Answer]]:
    """The listeners that had a backend at the last change, and the answers to clients, by name.

    A line is NAME, or NAME and comma-separated answers. Unknown answers are an empty set.
    """
    file = state.file(layout.SERVED)
    lines = file.content.decode("utf-8", "replace").splitlines() if file else []
    found: dict[str, frozenset[Answer]] = {}
    for line in lines[:MOST_LINES]:
        name, _, words = line.partition(" ")
        if re.fullmatch(NAME, name):
            answers = map(read_answer, words.split(",")[:MOST_LINES])
            found[name] = frozenset(a for a in answers if a and a.reached and not a.closed)
    return found


def recorded_answers(state: ObservedNode, listener: str) -> frozenset[Answer]:
    """The recorded answers of a listener; empty if unknown."""
    return recorded_listeners(state).get(listener, frozenset())
