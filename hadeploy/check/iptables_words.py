"""The words of a rule as iptables-save prints them, and as a shell takes them. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# A string is quoted, with a backslash before ", ' and \ (xtables_save_string of libxtables).
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
_MOST_CHARACTERS = 400


def rule_words(line: str) -> list[str]:
    """The words of a line of iptables-save.

    Raises:
        ValueError: it is cut off in a string.
    """
    words, at = [], 0
    line = line.rstrip()
    while at < len(line):
        match = _WORD.match(line, at)
        if match is None:
            raise ValueError("no words of iptables-save")
        quoted, plain = match.groups()
        words.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return words


def family_of(tool: str) -> int:
    """Which packets a tool's rules see: 4 or 6.

    Args:
        tool: iptables, ip6tables, ...
    """
    return 6 if tool.startswith("ip6") else 4


def removal(tool: str, table: str, rule: Sequence[str]) -> str:
    """The command that removes a rule, for a shell.

    Args:
        tool: iptables, ip6tables-legacy, ...
        table: of the rule.
        rule: its chain and its words, which are the node's own.
    """
    where = f" -t {table}" if table != "filter" else ""
    command = f"{tool}{where} -D {shlex.join(rule)}"
    # A command is shown between backticks, and without what a terminal would act on.
    if len(command) > _MOST_CHARACTERS or re.search(r"[^ -~]|`", command):
        return f"see `{tool}-save`"
    return f"`{command}`"
