"""Parse the output of observe.sh to an ObservedNode. Pure."""

from __future__ import annotations

import base64
import datetime
import itertools
import json
import re
from typing import Any

from hadeploy.answers.answer import read_answer
from hadeploy.desired import layout
from hadeploy.desired.desired_node import LABEL_CLUSTER, LABEL_ROLE, LABEL_SPEC
from hadeploy.desired.roles import ROLES
from hadeploy.observe.applied import Applied
from hadeploy.observe.autostart_files import of_another_engine, parse_autostart_files
from hadeploy.observe.container import ObservedContainer
from hadeploy.observe.host import parse_host
from hadeploy.observe.inspected import Inspected
from hadeploy.observe.lock_info import lock_info
from hadeploy.observe.observed_node import (
    Foreign,
    ObservedFile,
    ObservedNode,
    PortUser,
)
from hadeploy.observe.other_clusters import parse_other_clusters
from hadeploy.observe.parse_haproxy import (
    number,
    parse_backends,
    parse_column,
    parse_serving,
    parse_sessions,
)
from hadeploy.observe.parse_network import parse_addresses, parse_sockets
from hadeploy.observe.parse_record import parse_record
from hadeploy.observe.parse_surroundings import (
    parse_environment,
    parse_names,
    parse_publishers,
)
from hadeploy.observe.parse_vrrp import parse_vrrp
from hadeploy.observe.segment import parse_segment
from hadeploy.observe.stopped_foreign import parse_stopped_foreign
from hadeploy.scripts.protocol import Message, Reply


def parse_observation(node: str, reply: Reply) -> ObservedNode:
    """The observed state of one node, from the reply of observe.sh."""
    about = _pairs(reply.body("node"))
    version, docker_error = _docker_version(reply.body("docker"))
    files = parse_files(reply)
    inspected = {c.id: c for c in parse_containers(reply.body("containers"))}
    apart, others = (
        {word for m in reply.all(kind) for word in m.words}
        for kind in ("unrelated", "other-clusters")
    )
    return ObservedNode(
        node=node,
        lock=lock_info(reply),
        fingerprint=next((m.words[0] for m in reply.all("fingerprint") if m.words), ""),
        now=int(about.get("now", ["0"])[0]),
        machine=_machine(about.get("machine", [""])[0]),
        root=about.get("uid") == ["0"],
        missing=tuple(about.get("missing", [])),
        docker=version,
        docker_error=docker_error,
        containers=tuple(c for c in inspected.values() if c.id not in apart),
        images={m.words[0]: m.words[1] for m in reply.all("image") if len(m.words) > 1},
        files=files,
        detached=frozenset(m.words[0] for m in reply.all("stale-mount") if m.words),
        kept=tuple(line for line in reply.body("kept-files").splitlines() if line),
        addresses=parse_addresses(reply.body("addresses"), reply.body("addresses-text")),
        sockets=parse_sockets(reply.body("sockets"), _processes(reply.body("owners"))),
        vrrp=parse_vrrp(reply.body("vrrp")),
        check_age=number(reply.body("check-age")),
        settled=(number(reply.body("settled")) or 0) / 100,
        keepaliveds=_processes(reply.body("keepalived-processes")),
        serving=parse_serving(reply.body("haproxy")),
        health_port_users=tuple(
            PortUser(int(m.words[0]), int(m.words[1]), " ".join(m.words[2:]))
            for m in reply.all("crowd")
        ),
        backends=parse_backends(reply.body("haproxy")),
        sessions=parse_sessions(reply.body("haproxy")),
        session_limits=parse_column(reply.body("haproxy"), "FRONTEND", "slim"),
        queued=parse_column(reply.body("haproxy"), "BACKEND", "qcur"),
        once_up=frozenset(m.words[0] for m in reply.all("was-up") if m.words),
        versions={m.words[0]: m.words[1] for m in reply.all("version") if len(m.words) > 1},
        vip_answers={
            (m.words[0], int(m.words[1])): answer
            for m in reply.all("vip-answer")
            if len(m.words) in (3, 4) and (answer := read_answer(*m.words[2:]))
        },
        applied=parse_applied(files),
        foreign=parse_foreign(reply),
        publishers=parse_publishers(reply),
        stopped_foreign=parse_stopped_foreign(reply, inspected),
        autostart_files=parse_autostart_files(reply),
        other_clusters=parse_other_clusters(
            reply, [c for c in inspected.values() if c.id in others]
        ),
        architectures={m.words[0]: m.words[2] for m in reply.all("image") if len(m.words) > 2},
        host=parse_host(reply),
        segment=parse_segment(reply),
    )


def _pairs(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            found.setdefault(key, []).append(value)
    return found


def _docker_version(text: str) -> tuple[str | None, str]:
    for line in text.splitlines():
        if line.startswith("{"):
            return str(json.loads(line).get("Version", "?")), ""
    return None, "\n".join(line for line in text.splitlines() if line != "null")


def parse_containers(text: str) -> tuple[ObservedContainer, ...]:
    """Parse `docker container inspect` of several containers, with duplicates or none."""
    start = text.find("[")
    if start < 0:
        return ()
    documents: list[dict[str, Any]] = json.JSONDecoder().raw_decode(text[start:])[0]
    return tuple({d["Id"]: _container(d) for d in documents}.values())


def _container(document: dict[str, Any]) -> ObservedContainer:
    inspected = Inspected.model_validate(document)
    labels = inspected.Config.Labels or {}
    return ObservedContainer(
        name=inspected.Name.lstrip("/"),
        id=inspected.Id,
        image_id=inspected.Image,
        image=inspected.Config.Image,
        cluster=labels.get(LABEL_CLUSTER),
        spec=labels.get(LABEL_SPEC),
        role=labels.get(LABEL_ROLE),
        status=inspected.State.Status,
        started=parse_time(inspected.State.StartedAt),
        restarts=inspected.RestartCount,
        exit_code=inspected.State.ExitCode,
        pid=inspected.State.Pid,
        raw=document,
    )


def parse_time(text: str) -> float:
    """Docker's time (RFC 3339 with nanoseconds) in seconds since the epoch; 0.0 for never."""
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if match is None or match[1] == "0001":
        return 0.0
    zone = "+00:00" if match[8] == "Z" else match[8]
    whole = datetime.datetime.fromisoformat(text[:19] + zone)
    return whole.timestamp() + float(match[7] or 0)


def _machine(text: str) -> str:
    """The output of `uname -m`, validated because it becomes a part of file names."""
    return text if re.fullmatch(r"[A-Za-z0-9_]{1,20}", text) else "?"


def _processes(text: str) -> dict[int, str]:
    found = {}
    for line in text.splitlines():
        pid, _, container = line.strip().partition(" ")
        if pid.isdigit():
            found[int(pid)] = container.strip()
    return found


def parse_files(reply: Reply) -> tuple[ObservedFile, ...]:
    """The cluster's files. Contents are joined in one `contents` message, or one for each file.

    Each track file has its own message.
    """
    messages = reply.all("file")
    contents = [_content(message) for message in messages]
    for message in reply.all("contents"):
        ends = list(itertools.accumulate(int(size) for size in message.words))
        everything = _content(message)
        contents = [everything[start:end] for start, end in itertools.pairwise([0, *ends])]
    files = [_file(m, content) for m, content in zip(messages, contents, strict=True)]
    return (*files, *(_file(message, _content(message)) for message in reply.all("track")))


def _file(message: Message, content: bytes) -> ObservedFile:
    mode, owner, *name = message.words
    return ObservedFile(" ".join(name), int(mode, 8), owner, content)


def _content(message: Message) -> bytes:
    try:
        return base64.b64decode(message.text.replace("\n", ""), validate=True)
    except ValueError:
        return b""


def parse_foreign(reply: Reply) -> tuple[Foreign, ...]:
    """Foreign containers and their files."""
    found = []
    for message in reply.all("foreign"):
        about = message.words[:2]
        containers = parse_containers(message.text) or of_another_engine(message)
        if len(about) != 2 or about[0] not in ROLES or not containers:
            continue
        configs, files, unread = (
            [(" ".join(m.words[2:]), _content(m)) for m in reply.all(kind) if m.words[:2] == about]
            for kind in ("foreign-config", "foreign-file", "foreign-unread")
        )
        found.append(
            Foreign(
                role="haproxy" if about[0] == "haproxy" else "keepalived",
                container=containers[0],
                path=configs[0][0] if configs else "",
                config=b"\n".join(content for _, content in configs),
                extra_files=dict(files),
                unread=tuple(path for path, _ in unread),
                environment=parse_environment(reply, about),
                names=parse_names(reply, about),
            )
        )
    return tuple(found)


def parse_applied(files: tuple[ObservedFile, ...]) -> Applied | None:
    """The record on the node; None if it is missing or invalid."""
    record = next((f for f in files if f.path == layout.APPLIED), None)
    return parse_record(record.content) if record else None
