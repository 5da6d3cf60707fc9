"""The results of haproxy and keepalived for a new configuration. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.roles import Role
from hadeploy.errors import HadeployError
from hadeploy.plan.redacted_diff import REDACTED, secrets_in, shown
from hadeploy.scripts.lines import clean
from hadeploy.scripts.protocol import Reply

FILES: Mapping[Role, str] = {
    "haproxy": layout.HAPROXY_CFG,
    "keepalived": layout.KEEPALIVED_CONF,
}
# The path of a file on stdin.
STDIN = "/dev/stdin"
MAX_WARNINGS = 100
MAX_CHARACTERS = 1000
SHORTEST_SECRET = 4

# "[…/haproxy.cfg:26]" and "(…/keepalived.conf: Line 36)".
_PLACES = re.compile(r"(?:haproxy\.cfg:|/dev/stdin:|\bLine )(\d{1,6})\b")
# "[WARNING]  (1) : config : parsing [FILE:26] : 'fullconn' ignored", in haproxy 2.6 to 3.2; before
# 2.4 also with the time.
_WARNING = re.compile(r"\[WARNING\][^:(]*\(\d+\) : (?:config : )?(.*)")
_PARSING = re.compile(r"^(?:parsing )?\[[^\]]*:\d+\] ?: ")
# The last line of the engine's client below every error.
_USAGE = re.compile(r"'docker run --help'")
_CONTINUED = re.compile(r"^ +\| ?(.*)")
# Error of the engine → hint.
_ENGINE_HINTS = (
    (
        r"[Cc]annot connect to the Docker daemon|[Ii]s the docker daemon running",
        "start it (systemctl start docker), and run the same command again",
    ),
    (
        r"rlimit",
        "lower haproxy.maxconn, or raise LimitNOFILE of docker.service on the node",
    ),
    (
        r"executable file not found|no such file or directory",
        "does the image have the program on its PATH? choose another one (images.*.reference)",
    ),
    (r"exec format error", "the image is for another architecture; choose another one"),
    (r"logging driver|log.opt", "correct containers.log_max_size and containers.log_max_file"),
    (r"no space left", "free some space on the node"),
    (r"[Nn]o such image|find image", "run the same command again: it brings the image first"),
)
_ENGINE_HINT = "this is the error of the node's engine; `docker info` there shows its settings"
_STAGING_HINTS = (
    (r"[Nn]o space left|[Qq]uota exceeded", "free some space on the file system of {root}"),
    (
        r"[Rr]ead-only file system",
        "mount it writable, or choose another place with paths.root",
    ),
    (r"[Pp]ermission denied|not permitted", "may root write to {root}? (paths.root)"),
)
_STAGING_HINT = "is there space, and may root write there? (paths.root)"


@dataclass(frozen=True)
class ConfigWarning:
    """A warning about an accepted configuration.

    Attributes:
        program: the program that warns.
        message: of the program, without secrets.
        line: the rendered line of the warning, without secrets; "" if there is none.
        nodes: labels.
    """

    program: Role
    message: str
    line: str
    nodes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The warning in machine-readable results."""
        return {
            "program": self.program,
            "nodes": list(self.nodes),
            "message": self.message,
            "line": self.line,
        }


Warn = Callable[[Sequence[ConfigWarning]], None]


def config_warnings(reply: Reply, desired: DesiredNode, operation: str) -> list[ConfigWarning]:
    """The warnings of the programs of one node about their files.

    Args:
        reply: of a script that validates (lib/validate.sh).
        desired: the validated state.
        operation: for an error.

    Raises:
        HadeployError: a program refuses its file, or the engine does not start the program.
    """
    outputs = {m.words[0]: m.text for m in reply.all("validating") if m.words}
    for message in reply.all("refused"):
        role, file = _file(desired, message.words[0])
        text = redacted(outputs.get(role, ""), file)
        raise HadeployError(
            f"{role} refuses the new configuration",
            node=desired.node,
            operation=operation,
            detail="\n".join([text, *refused_lines(outputs.get(role, ""), file)]),
            hint="no live file was changed; `hadeploy render` writes the files for inspection",
        )
    for message in reply.all("not-started"):
        role, _ = _file(desired, message.words[0])
        lines = [clean(line) for line in outputs.get(role, "").splitlines()]
        text = "\n".join(line for line in lines if line and not _USAGE.search(line))
        raise HadeployError(
            f"the Docker engine does not start {role}",
            node=desired.node,
            operation=operation,
            detail=text,
            hint=_hint(text, _ENGINE_HINTS, _ENGINE_HINT),
        )
    if reply.all("failed"):
        raise HadeployError(
            "staging the files failed",
            node=desired.node,
            operation=operation,
            detail=_without_secrets(reply.output, desired),
            hint=_hint(reply.output, _STAGING_HINTS, _STAGING_HINT).format(root=desired.root),
        )
    return [
        warning for role in FILES for warning in warnings_in(role, outputs.get(role, ""), desired)
    ]


def warnings_in(role: Role, output: str, desired: DesiredNode) -> Iterator[ConfigWarning]:
    """The warnings of a program that accepts its file.

    keepalived has no warnings: since 2.2 it refuses the file instead, and the messages of older
    versions count as a refusal (lib/validate.sh).

    Args:
        role: the program.
        output: its output.
        desired: the validated state.
    """
    if role != "haproxy":
        return
    rendered = desired.file(FILES[role]).content
    for message in _warnings(output)[:MAX_WARNINGS]:
        if "global server state file" in message:
            # A file on stdin has no state file beside it.
            continue
        yield ConfigWarning(
            role,
            redacted(_PARSING.sub("", message), rendered)[:MAX_CHARACTERS],
            "; ".join(refused_lines(message, rendered)),
            (desired.node,),
        )


def _warnings(output: str) -> list[str]:
    """The warnings, each joined to one line."""
    found: list[str] = []
    last = False
    for line in output.splitlines():
        begins, goes_on = _WARNING.match(line), _CONTINUED.match(line)
        if begins:
            found.append(begins[1])
        elif goes_on and last:
            found[-1] += f" {goes_on[1]}"
        last = bool(begins or (goes_on and last))
    return found


def merged(warnings: Sequence[ConfigWarning]) -> list[ConfigWarning]:
    """Each warning once, with all its nodes."""
    nodes: dict[tuple[Role, str, str], dict[str, None]] = {}
    for one in warnings:
        nodes.setdefault((one.program, one.message, one.line), {}).update(dict.fromkeys(one.nodes))
    return [ConfigWarning(*key, tuple(of)) for key, of in nodes.items()]


def refused_lines(output: str, rendered: str) -> list[str]:
    """The rendered lines that a program names, without secrets.

    Args:
        output: the output of the program.
        rendered: its file.
    """
    lines = dict(enumerate(shown(rendered).splitlines(), 1))
    named = sorted({int(number) for number in _PLACES.findall(output)})
    return [f"line {number}: {lines[number].strip()}" for number in named if number in lines]


def redacted(output: str, rendered: str) -> str:
    """The output of a program, without the secrets of its file, which it may quote.

    Args:
        output: the output of the program.
        rendered: its file.
    """
    text = shown("\n".join(clean(line) for line in output.splitlines()))
    words = {word.strip("\"'") for secret in secrets_in(rendered) for word in secret.split()}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= SHORTEST_SECRET:
            text = text.replace(word, REDACTED)
    return text.replace(STDIN, f"{layout.IN_HAPROXY}/haproxy.cfg")


def _without_secrets(output: str, desired: DesiredNode) -> str:
    for path in FILES.values():
        output = redacted(output, desired.file(path).content)
    return output


def _file(desired: DesiredNode, role: str) -> tuple[Role, str]:
    known: Role = "haproxy" if role == "haproxy" else "keepalived"
    return known, desired.file(FILES[known]).content


def _hint(output: str, hints: Sequence[tuple[str, str]], otherwise: str) -> str:
    return next((hint for pattern, hint in hints if re.search(pattern, output)), otherwise)
