"""The files of the archive for a bug report, without secrets. Pure."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hadeploy import __version__
from hadeploy.desired import layout
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.scripts.lines import clean
from hadeploy.scripts.protocol import Reply
from hadeploy.support.redact import Redactor

if TYPE_CHECKING:
    from hadeploy.support.collect import Report

# The files of hadeploy; other files in its folder may not be from hadeploy.
FILES = (layout.HAPROXY_CFG, layout.KEEPALIVED_CONF, layout.CHECK_SCRIPT)
# The parts that tasks/support.sh sends.
PARTS = frozenset(
    (
        *("inspect.json", "containers.txt", "haproxy.log", "keepalived.log"),
        *("keepalived.data", "keepalived.stats", "network.txt", "sockets.txt", "firewall.txt"),
        *("versions.txt", "files.txt", "lock.txt"),
    )
)
README = """\
Written by `hadeploy support` {version} on {at} for the cluster {cluster}.

inventory.json         the inventory, with every default
result.json            the plan, checks, proofs, diagnosis and errors, as docs/json.md describes it
nodes/NAME/haproxy.cfg, keepalived.conf, check-haproxy.sh, applied.json
                       the configuration on the node, and the record of the last change
nodes/NAME/inspect.json, containers.txt, haproxy.log, keepalived.log
                       the containers, and the last lines of their logs
nodes/NAME/keepalived.data, keepalived.stats
                       the state of keepalived
nodes/NAME/network.txt, sockets.txt, firewall.txt
                       addresses, routes, neighbours, sockets, firewall rules
nodes/NAME/versions.txt, files.txt, lock.txt
                       kernel, distribution, Docker; files of hadeploy; the lock

The archive contains no passwords, keys, tokens or environment variables, but it contains addresses
and names of machines, in haproxy.log also those of clients. Review it before you send it.
{missing}"""


def files_of(report: Report, document: Mapping[str, Any], at: float) -> dict[str, str]:
    """All files: path → text.

    Args:
        report: the collected diagnostics.
        document: the result, as docs/json.md describes it.
        at: the time of the collection, in seconds since the epoch.
    """
    redactor, cluster = report.redactor, report.cluster
    missing = "".join(f"\nMissing: {redactor.text(str(error))}" for error in report.errors)
    inventory = cluster.model_dump(mode="json", by_alias=True)
    files = {
        "README.txt": README.format(
            version=__version__, at=utc(at), cluster=cluster.name, missing=missing
        ),
        "inventory.json": json.dumps(redactor.document(inventory), indent=2) + "\n",
        "result.json": json.dumps(redactor.document(document), indent=2) + "\n",
    }
    for node in cluster.nodes:
        reply = report.replies.get(node.label)
        if reply:
            parts = of_node(report.observed.get(node.label), reply, redactor)
            files |= {f"nodes/{node.label}/{part}": text for part, text in parts.items()}
    return files


def utc(at: float) -> str:
    """A time for file names, such as 20260703T140500Z."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def of_node(state: ObservedNode | None, reply: Reply, redactor: Redactor) -> dict[str, str]:
    """The files of one node: name → text.

    Args:
        state: the observed state, or None.
        reply: of tasks/support.sh.
        redactor: removes the secrets.
    """
    found = {}
    for message in reply.all("part"):
        name = message.words[0] if message.words else ""
        if name not in PARTS:
            # Otherwise a node could choose any path on the machine that unpacks the archive.
            continue
        found[name] = (
            _json(message.text, redactor)
            if name.endswith(".json")
            else _printable(redactor.text(message.text)) + "\n"
        )
    for path in FILES:
        file = state.file(path) if state else None
        if file:
            text = redactor.text(file.content.decode("utf-8", "replace"))
            found[path.rpartition("/")[2]] = _printable(text)
    applied = state.file(layout.APPLIED) if state else None
    if applied:
        found[layout.APPLIED] = _json(applied.content.decode("utf-8", "replace"), redactor)
    return found


def _json(text: str, redactor: Redactor) -> str:
    try:
        document: Any = json.loads(text)
    except ValueError:
        return _printable(redactor.text(text)) + "\n"
    return json.dumps(redactor.document(document), indent=2) + "\n"


def _printable(text: str) -> str:
    """Remove control characters: the files of the archive are printed on terminals."""
    return "\n".join(map(clean, text.split("\n")))


def packed(folder: str, files: Mapping[str, str], at: float) -> bytes:
    """The files as a compressed tar archive; only the owner can read the unpacked files.

    Args:
        folder: the top folder in the archive.
        files: path → text.
        at: the modification time, in seconds since the epoch.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in sorted(files.items()):
            content = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
