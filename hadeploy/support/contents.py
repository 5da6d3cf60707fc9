"""What goes into the archive for a bug report, as files; everything redacted. Pure."""

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

# Of our folder; what else is there may be anybody's.
FILES = (layout.HAPROXY_CFG, layout.KEEPALIVED_CONF, layout.CHECK_SCRIPT)
# What tasks/support.sh says.
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
result.json            the plan, what check and verify found, the diagnosis, errors
                       (as docs/json.md describes it)
nodes/NAME/haproxy.cfg, keepalived.conf, check-haproxy.sh, applied.json
                       what is on the node, and what was applied by whom
nodes/NAME/inspect.json, containers.txt, haproxy.log, keepalived.log
                       our containers, and the last lines of their logs
nodes/NAME/keepalived.data, keepalived.stats
                       what keepalived tells of itself
nodes/NAME/network.txt, sockets.txt, firewall.txt
                       addresses, routes, neighbours, sockets, rules
nodes/NAME/versions.txt, files.txt, lock.txt
                       kernel, distribution, Docker; our folder; who has the lock

Passwords, keys, tokens and environments are left out. Addresses and names of machines, and in
haproxy.log those of clients, are not. Read it before you send it.
{missing}"""


def files_of(report: Report, document: Mapping[str, Any], at: float) -> dict[str, str]:
    """All files: path → text.

    Args:
        report: what was collected.
        document: the result, as docs/json.md describes it.
        at: when it was collected, in seconds since the epoch.
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
    """A time as it is in names of files, such as 20260703T140500Z."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


def of_node(look: ObservedNode | None, reply: Reply, redactor: Redactor) -> dict[str, str]:
    """The files of one node: name → text.

    Args:
        look: what was observed there, if anything was.
        reply: what support.sh said.
        redactor: knows the secrets.
    """
    found = {}
    for message in reply.all("part"):
        name = message.words[0] if message.words else ""
        if name not in PARTS:
            # It would be a path of the node's choice on whatever machine unpacks the archive.
            continue
        found[name] = (
            _json(message.text, redactor)
            if name.endswith(".json")
            else _shown(redactor.text(message.text)) + "\n"
        )
    for path in FILES:
        file = look.file(path) if look else None
        if file:
            text = redactor.text(file.content.decode("utf-8", "replace"))
            found[path.rpartition("/")[2]] = _shown(text)
    applied = look.file(layout.APPLIED) if look else None
    if applied:
        found[layout.APPLIED] = _json(applied.content.decode("utf-8", "replace"), redactor)
    return found


def _json(text: str, redactor: Redactor) -> str:
    try:
        document: Any = json.loads(text)
    except ValueError:
        return _shown(redactor.text(text)) + "\n"
    return json.dumps(redactor.document(document), indent=2) + "\n"


def _shown(text: str) -> str:
    """Remove control characters: the files of the archive are printed on terminals."""
    return "\n".join(map(clean, text.split("\n")))


def packed(folder: str, files: Mapping[str, str], at: float) -> bytes:
    """The files as a compressed tar, readable by its owner alone when it is unpacked.

    Args:
        folder: that all of it is in.
        files: path → text.
        at: their time, in seconds since the epoch.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in sorted(files.items()):
            content = text.encode("utf-8", "replace")
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(at)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
