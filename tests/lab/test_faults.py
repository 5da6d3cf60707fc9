"""A fault during `up` is named, interrupts no client, and the next `up` repairs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import ceil
from pathlib import Path

import pytest

from hadeploy.lab.by_hand import by_hand
from hadeploy.lab.certificate import CertificateSpec
from hadeploy.lab.images.store import ensure_image
from tests.lab.faults import ROWS, Row
from tests.lab.harness import Cluster, Result, eventually, with_template
from tests.lab.test_dead_backend import servers
from tests.lab.traffic import Probe, probing

NEWER = "haproxy:3.0.11"
SCREEN = 24


def new_config(cluster: Cluster) -> None:
    """A reload."""
    cluster.inventory["haproxy"] = {"hard_stop_after": "31s"}


def new_image(cluster: Cluster) -> None:
    """A new container, and a handover; the image is not there yet."""
    archive = str(ensure_image(NEWER))
    cluster.inventory["images"]["haproxy"] = {"reference": NEWER, "archive": archive}
    for node in cluster.lab.nodes:
        cluster.node(node, f"docker image rm {NEWER}", check=False)


def truncated_image(cluster: Cluster) -> None:
    """The same, from half an archive."""
    new_image(cluster)
    image = cluster.inventory["images"]["haproxy"]
    whole = Path(image["archive"]).read_bytes()
    half = cluster.folder / "half.tar"
    half.write_bytes(whole[: len(whole) // 2])
    image["archive"] = str(half)


def second_port(cluster: Cluster) -> None:
    """Another listener."""
    cluster.inventory["listeners"] = [{"port": 9443}, {"port": 9444, "name": "second"}]


def exiting(cluster: Cluster) -> None:
    """A new container whose haproxy ends at once where an address is not there."""
    new_image(cluster)
    lines = "listen other\n    bind 192.0.2.99:7777\n    server none 127.0.0.1:1"
    cluster.inventory["templates"] = {"extra": {"defaults": lines}}
    for node in cluster.lab.nodes:
        cluster.node(node, "ip address replace 192.0.2.99/32 dev lo")


def wrong_port(cluster: Cluster) -> None:
    """API servers do not listen there."""
    cluster.inventory["listeners"] = [{"backend_port": 6444}]


def wrong_path(cluster: Cluster) -> None:
    """The API servers answer 403."""
    cluster.inventory["listeners"] = [{"check": {"type": "https", "path": "/readyzz"}}]


def https_check(cluster: Cluster) -> None:
    """The API servers answer 401."""
    cluster.inventory["listeners"] = [{"check": {"type": "https"}}]


def send_proxy(cluster: Cluster) -> None:
    """API servers know no PROXY header; a check that only connects sends none."""
    cluster.inventory["templates"] = {"extra": {"defaults": "default-server send-proxy"}}


def tls_in_tls(cluster: Cluster) -> None:
    """haproxy's own TLS around that of its clients; the checks speak it, too."""
    cluster.inventory["templates"] = {"extra": {"defaults": "default-server ssl verify none"}}


def on_loopback(cluster: Cluster) -> None:
    """A template that serves no client outside the node."""
    bind = "bind {{ bind }}:{{ listener.port }}"
    with_template(cluster, bind, "bind 127.0.0.1:{{ listener.port }}")


CHANGES: dict[str, Callable[[Cluster], None]] = {
    "config": new_config,
    "image": new_image,
    "truncated": truncated_image,
    "port": second_port,
    "exits": exiting,
    "backend port": wrong_port,
    "adopted backend port": wrong_port,
    "check path": wrong_path,
    "check type": https_check,
    "send-proxy": send_proxy,
    "ssl": tls_in_tls,
    "loopback": on_loopback,
    "first": lambda _: None,
}
# Mistakes in the inventory: mending them is mending the inventory.
MISTAKES = ("backend port", "adopted backend port", "check path", "check type")
MISTAKES_IN_TEMPLATES = ("send-proxy", "ssl", "loopback")
OVER_TLS = ("check path", "check type", "ssl")
OPTIONS = {"adopted backend port": ("--adopt",)}


@contextmanager
def api_servers_over_tls(cluster: Cluster, row: Row) -> Iterator[None]:
    """API servers whose /readyz answers 200, or 401, and which answer 403 to other paths."""
    spec = CertificateSpec(addresses=(cluster.lab.vip,))
    readyz = 401 if row.change == "check type" else 200
    for node in cluster.lab.nodes:
        cluster.lab.apiserver(node, up=True, tls=spec, readyz=readyz, unknown=403)
    eventually(
        lambda: all(
            list(servers(cluster, node).values()) == ["UP"] * 3 for node in cluster.lab.nodes
        ),
        "the API servers are up",
    )
    yield
    for node in cluster.lab.nodes:
        cluster.lab.apiserver(node, up=True)


@contextmanager
def prepared(request: pytest.FixtureRequest, row: Row) -> Iterator[tuple[Cluster, str, str]]:
    """The cluster as it is before the row: served, unless it is a first `up`.

    Yields:
        It, the node that the fault is for, and another one.
    """
    special = row.fault.prepare or row.change in ("first", "adopted backend port")
    cluster: Cluster = request.getfixturevalue("fresh" if special else "served")
    cluster.inventory["ssh"] |= {"connect_timeout": 3, "command_timeout": 10}
    # Fresh clusters have their VIP on the first node.
    holder = "n1" if special else cluster.holders()[0]
    first, second = [node for node in cluster.lab.nodes if node != holder]
    node, other = (holder, first) if row.node == "holder" else (second, first)
    try:
        if row.fault.prepare:
            cluster.node(node, row.fault.prepare)
            if row.change != "first":
                cluster.up()
        with ExitStack() as stack:
            if row.change == "adopted backend port":
                stack.enter_context(by_hand(cluster.lab))
            if row.change in OVER_TLS:
                stack.enter_context(api_servers_over_tls(cluster, row))
            yield cluster, node, other
    finally:
        if row.fault.undo:
            cluster.run("down", "--yes", "--lock-wait", "60")
            cluster.node(node, row.fault.undo)


def heal(cluster: Cluster, row: Row, node: str) -> None:
    """What the node's owner does."""
    if row.change == "truncated":
        cluster.inventory["images"]["haproxy"]["archive"] = str(ensure_image(NEWER))
    if row.change in MISTAKES:
        del cluster.inventory["listeners"]
    if row.change in MISTAKES_IN_TEMPLATES:
        del cluster.inventory["templates"]
    if row.fault.heal.startswith("lab."):
        command = row.fault.command(cluster.lab, node, row.fault.heal)
        subprocess.run(["sh", "-c", command], check=True)
    else:
        cluster.node(node, row.fault.heal)


def broken_run(cluster: Cluster, row: Row, node: str, other: str) -> Result:
    """`up` with the fault."""
    inject = row.fault.command(cluster.lab, node, row.fault.inject)
    moment = row.moment(node, other)
    if moment:
        return cluster.accident(f"shell:{inject}", moment, "up")
    subprocess.run(["sh", "-c", inject], check=True)
    return cluster.run("up", *OPTIONS.get(row.change, ()))


def seen(result: Result, pattern: str) -> str:
    """The first line with the fault, and the line with its cause."""
    lines = [line.strip() for line in [*result.err.splitlines(), *result.out.splitlines()]]
    reported = [line for line in lines if line.startswith(("error: ", "\u2717 "))]
    if not result.code or not reported:
        return "done and proven"
    first = next((line for line in reported if line.startswith("error: ")), reported[0])
    why = [line for line in lines[lines.index(first) :] if re.search(pattern, line)]
    return f"{first} \u2026 {why[0]}" if why and why[0] != first else first


def answered(probe: Probe, row: Row) -> str:
    if row.change == "first":
        return "not there yet"
    return "every request" if not probe.failed else f"back within {ceil(probe.silence)} s"


def reported(result: Result, row: Row, node: str) -> None:
    """The report fits one screen and names the node."""
    codes = row.code if isinstance(row.code, tuple) else (row.code,)
    assert result.code in codes, result.err + result.out
    assert "Traceback" not in result.err
    if result.code:
        assert re.search(row.sees, result.err + result.out)
        # A failed proof is not an error: it is a row of a table.
        screen = result.err[result.err.index("error: ") :] if result.code != 4 else result.out
        # An archive is on this machine, whichever node it is for.
        assert node in screen or row.change == "truncated"
        assert len(screen.splitlines()) <= SCREEN


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.name, marks=[] if row.quick else [pytest.mark.exhaustive])
        for row in ROWS
    ],
)
def test_a_fault_is_named_and_no_client_is_harmed(request: pytest.FixtureRequest, row: Row) -> None:
    with prepared(request, row) as (cluster, node, other):
        CHANGES[row.change](cluster)
        with probing(cluster, tls=row.change in OVER_TLS) as probe:
            try:
                result = broken_run(cluster, row, node, other)
            finally:
                heal(cluster, row, node)
            again = cluster.ok("up", "--lock-wait", "60", *OPTIONS.get(row.change, ()))
        reported(result, row, node)
        if row.change != "first":
            assert probe.silence <= row.silence, f"{probe.failed[:3]}\n{result.err}"
        assert cluster.up()["changes"] == 0
        assert len(cluster.holders()) == 1
    if file := os.environ.get("HADEPLOY_FAULTS"):
        changes = "No changes" not in again.err
        line = {
            "row": row.name,
            "code": result.code,
            "saw": seen(result, row.sees).replace(f"{cluster.folder}/", ""),
            "vip": answered(probe, row),
            "next": "went on from there" if changes else "had nothing left to do",
        }
        with Path(file).open("a") as record:
            record.write(json.dumps(line) + "\n")
