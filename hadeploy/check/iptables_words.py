"""The words of a rule in iptables-save, and the command that removes it. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# Strings are quoted, with a backslash before ", ' and \ (xtables_save_string in libxtables).
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')
_MAX_LENGTH = 400


def rule_words(line: str) -> list[str]:
    """The words of a line of iptables-save.

    Raises:
        ValueError: the line is truncated.
    """
    words, at = [], 0
    line = line.rstrip()
    while at < len(line):
        match = _WORD.match(line, at)
        if match is None:
            raise ValueError("truncated line")
        quoted, plain = match.groups()
        words.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = match.end()
    return words


def family_of(tool: str) -> int:
    """The address family of a tool (iptables, ip6tables, ...): 4 or 6."""
    return 6 if tool.startswith("ip6") else 4


def removal(tool: str, table: str, rule: Sequence[str]) -> str:
    """The command that removes a rule, for a shell.

    Args:
        tool: iptables, ip6tables-legacy, ...
        table: the table of the rule.
        rule: its chain and its words, as sent by the node.
    """
    where = f" -t {table}" if table != "filter" else ""
    command = f"{tool}{where} -D {shlex.join(rule)}"
    # The output has the command in backticks, without control characters.
    if len(command) > _MAX_LENGTH or re.search(r"[^ -~]|`", command):
        return f"see `{tool}-save`"
    return f"`{command}`"
