"""A static look at shell code: which functions it defines, and which words in it are calls."""

from __future__ import annotations

import re
from collections.abc import Collection

_DEFINED = re.compile(r"^([a-z_]+)\(\)", re.M)
_CONSTANT = re.compile(r"^([A-Z_]+|[a-gi-z][a-z_]*)=", re.M)
# `a | b)` of a case.
_PATTERN = re.compile(r"^\s*(?:[^\s()\"$]+ \| )*[^\s()\"$]+\)", re.M)
_KEYWORDS = "then|do|else|if|while|until|elif"
# Where a command begins.
_BEGIN = rf"(?:^\s*|[;&|({{!]\s*|\$\(\s*|\b(?:{_KEYWORDS})\s+|\)\s+)"
# What takes a command as its arguments.
_TAKERS = (
    "(?:quietly|with_heartbeat|with_lock_mutex|in_time|trap|heartbeat_if_due|run_while|"
    r"run_while \S+|capture \S+|last_bytes \S+|with_stdin \S+|leave|"
    r"until_true (?:\"[^\"]*\"|\S+) (?:\"(?:[^\"\\]|\\.)*\"|\S+)|"
    r"poll_until (?:\"[^\"]*\"|\$\(\(.*?\)\)|\S+)) \"?"
)
_CALL = re.compile(rf"(?:{_BEGIN}|(?<![\w$./-]){_TAKERS})(?=([a-z_]+)(?![\w=/-]|\(\)))", re.M)


def code(text: str) -> str:
    """Without comments, and with nothing in single quotes."""
    kept: list[str] = []
    # A quotation mark, or the open parentheses of a substitution within quotation marks.
    inside: list[str | int] = []
    at = 0
    while at < len(text):
        char = text[at]
        quoted = inside[-1:] == ['"']
        end = at + 1
        if char == "\\":
            end = at + 2
        elif char == '"':
            inside = inside[:-1] if quoted else [*inside, '"']
        elif quoted and text.startswith("$(", at) and not text.startswith("$((", at):
            inside.append(0)
            end = at + 2
        elif not quoted and char in "()" and inside:
            depth = int(inside.pop()) + (1 if char == "(" else -1)
            if depth >= 0:
                inside.append(depth)
        elif not quoted and char == "'":
            kept.append("''")
            at = text.index("'", at + 1) + 1
            continue
        elif not quoted and char == "#" and text[at - 1 : at] in ("", " ", "\n", "\t"):
            at = text.find("\n", at)
            continue
        kept.append(text[at:end])
        at = end
    return "".join(kept)


def functions(text: str) -> list[str]:
    """The functions that it defines, in order."""
    return _DEFINED.findall(code(text))


def constants(text: str) -> list[str]:
    """The variables that it sets when it is read, without those that begin with hd_."""
    return [name for name in _CONSTANT.findall(code(text)) if name not in ("PATH", "LC_ALL")]


def commands(text: str) -> set[str]:
    """The words that it calls, or gives to a function that calls them."""
    return set(_CALL.findall(_PATTERN.sub("", code(text))))


def calls(text: str, names: Collection[str]) -> set[str]:
    """Which of these functions it calls."""
    return commands(text).intersection(names)


def inputs(text: str) -> tuple[set[str], set[str]]:
    """The inputs that it reads, and those of them that have a default there."""
    text = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    read = set(re.findall(r"\$\{?(HD_[A-Z_]+)", text)) - {"HD_TOKEN"}
    return read, set(re.findall(r"\$\{(HD_[A-Z_]+):?-", text))
