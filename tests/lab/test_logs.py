"""`logs` merges the logs of all containers and follows them through restarts."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import pytest

from hadeploy.inventory.load import read_inventory
from hadeploy.logs.options import LogOptions
from hadeploy.logs.read import logs_script, new_feed
from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster, eventually


def say(cluster: Cluster, node: str, container: str, *texts: str) -> None:
    """Have a container log something."""
    pid = f"$(docker inspect --format '{{{{.State.Pid}}}}' {container})"
    script = f'cat >"/proc/{pid}/fd/1"'
    cluster.lab.exec(node, ["sh", "-c", script], input="".join(f"{text}\n" for text in texts))


def now(cluster: Cluster) -> str:
    return cluster.node("n1", "date -u +%Y-%m-%dT%H:%M:%S.%NZ")


def lines(cluster: Cluster, *arguments: str) -> list[dict[str, Any]]:
    """The lines of `logs --json`."""
    return [json.loads(line) for line in cluster.ok("logs", "--json", *arguments).out.splitlines()]


def places(found: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(line["node"], line["container"], line["line"]) for line in found]


def readers(cluster: Cluster) -> list[str]:
    """The `docker logs` on the nodes, each with its timeout(1)."""
    look = "grep -azl '^--timestamps$' /proc/[0-9]*/cmdline 2>/dev/null"
    return [
        f"{n}:{pid}"
        for n in cluster.lab.nodes
        for pid in cluster.node(n, look, check=False).split()
    ]


@dataclass
class Followed:
    """`logs -f` that runs, and what it has printed."""

    process: subprocess.Popen[str]
    shown: list[str] = field(default_factory=list)

    def sees(self, *texts: str, seconds: float = 30) -> None:
        """Wait until all of it was printed."""
        eventually(
            lambda: all(any(text in line for line in self.shown) for text in texts),
            f"{texts} are seen, and not only: {self.shown[-20:]}",
            seconds,
        )

    def count(self, text: str) -> int:
        return sum(text in line for line in self.shown)


@contextlib.contextmanager
def following(cluster: Cluster, *arguments: str) -> Iterator[Followed]:
    followed = Followed(cluster.start("logs", "-f", *arguments))

    def read(stream: IO[str]) -> None:
        followed.shown.extend(iter(stream.readline, ""))

    streams = [s for s in (followed.process.stdout, followed.process.stderr) if s]
    threads = [threading.Thread(target=read, args=(stream,)) for stream in streams]
    for thread in threads:
        thread.start()
    try:
        yield followed
    finally:
        followed.process.kill()
        followed.process.wait(10)
        for thread in threads:
            thread.join(10)


def test_a_handover_is_observed_on_both_nodes(served: Cluster) -> None:
    (holder,) = served.holders()
    began = now(served)
    served.ok("drain", holder)
    (successor,) = served.holders()
    served.ok("undrain", holder)
    states = lines(served, "--container", "keepalived", "--grep", "STATE", "--since", began)
    # Each node's engine has its own idea of when it read a line: their order is known node by node.
    assert [line["line"] for line in states if line["node"] == holder] == [
        "(hadeploy) Entering FAULT STATE",
        "(hadeploy) Entering BACKUP STATE",
    ]
    assert [place for place in places(states) if place[0] != holder] == [
        (successor, "keepalived", "(hadeploy) Entering MASTER STATE")
    ]


def test_all_logs_are_one_by_time_and_can_be_narrowed(served: Cluster) -> None:
    began = now(served)
    order = [(n, c) for c in (KEEPALIVED, HAPROXY) for n in ("n3", "n1", "n2")]
    for number, (node, container) in enumerate(order):
        say(served, node, container, f"word {number} \x1b[31mred", f"other {number} token=canary")
    found = lines(served, "--since", began)
    words = [line["line"] for line in found if line["line"].startswith("word")]
    assert words == [rf"word {number} \x1b[31mred" for number in range(6)]
    assert [line["time"] for line in found] == sorted(line["time"] for line in found)
    only = ("--since", began, "--grep", "^word", "--node", "n1", "--node", "n2")
    assert places(lines(served, *only, "--container", "haproxy")) == [
        ("n1", "haproxy", r"word 4 \x1b[31mred"),
        ("n2", "haproxy", r"word 5 \x1b[31mred"),
    ]
    assert len(lines(served, "--tail", "1", "--container", "haproxy")) == 3
    shown = served.ok("logs", "--since", began).out
    assert "\x1b" not in shown
    assert "canary" not in shown
    assert "n3 keepalived | other 0 token=(redacted)" in shown
    assert "n2 haproxy    | word 5" in shown


def test_an_unreachable_node_hides_no_other(served: Cluster) -> None:
    served.inventory["nodes"][1]["ssh"] = {"port": 1}
    result = served.run("logs", "--json", "--tail", "5")
    assert result.code == 3
    assert "n2: connecting to" in result.err
    assert {json.loads(line)["node"] for line in result.out.splitlines()} == {"n1", "n3"}


def test_what_happens_while_it_is_followed_is_seen_once(served: Cluster) -> None:
    # So long until a connection is given up that nothing is heard of.
    served.inventory["ssh"] |= {"command_timeout": 5, "connect_timeout": 3}
    with following(served, "--tail", "0") as followed:
        eventually(lambda: len(readers(served)) == 12, "all six are followed")
        say(served, "n1", HAPROXY, "first word")
        followed.sees("n1 haproxy    | first word")
        # Cut off, and both sides go on.
        served.lab.link("n2", up=False)
        say(served, "n2", HAPROXY, "lost and found")
        followed.sees("n2: no sign of life for 5 s; reconnecting")
        served.lab.link("n2", up=True)
        # Rebooted.
        served.lab.stop_node("n3")
        followed.sees("n3: ")
        served.lab.start_node("n3")
        followed.sees(
            *("n2: connected again", "n2 haproxy    | lost and found"),
            *("n3: connected again", "n3 keepalived | Starting Keepalived"),
            seconds=60,
        )
        # Stopped, and recreated.
        served.node("n1", f"docker stop --time 2 {HAPROXY} && docker rm {HAPROXY}")
        followed.sees("n1: haproxy is not running; waiting for it")
        assert served.run("up").code == 0
        followed.sees("n1: haproxy is running again", "n1 haproxy    | [NOTICE]")
        for once in ("first word", "lost and found", "n3 keepalived | Starting Keepalived"):
            assert followed.count(once) == 1


@pytest.mark.parametrize(("end", "user"), [(signal.SIGINT, "root"), (signal.SIGKILL, "ops")])
def test_following_leaves_nothing_behind_on_the_nodes(
    served: Cluster, end: signal.Signals, user: str
) -> None:
    served.inventory["ssh"]["user"] = user
    with following(served) as followed:
        eventually(lambda: len(readers(served)) == 12, "all six are followed")
        followed.process.send_signal(end)
        code = followed.process.wait(10)
        eventually(lambda: readers(served) == [], "nothing is left")
    assert code == (130 if end is signal.SIGINT else -signal.SIGKILL)
    assert followed.count("Traceback") == 0


@pytest.mark.parametrize("lack", ["", "stdbuf() { false; }"], ids=["", "without stdbuf"])
def test_a_follower_ends_when_its_reader_is_gone(served: Cluster, lack: str) -> None:
    served.command(("logs",))
    cluster = read_inventory(served.file).cluster
    feed = new_feed("n1", LogOptions())
    script = logs_script(cluster, feed, LogOptions(), follow=True, seconds=2)
    said = served.lab.exec("n1", ["sh"], input=f"HD_TOKEN=word\n{lack}\n{script}").stdout
    assert "@word heartbeat" in said
    assert said.rstrip().endswith("@word end")
    assert {f"{feed.mark} haproxy", f"{feed.mark} keepalived"} <= {
        " ".join(line.split()[:2]) for line in said.splitlines()
    }
    assert [reader for reader in readers(served) if reader.startswith("n1:")] == []


def test_an_endless_line_takes_no_memory_of_the_node(served: Cluster) -> None:
    node = served.lab.nodes[-1]
    flood = (
        f"p=$(docker inspect --format '{{{{.State.Pid}}}}' {KEEPALIVED}); "
        "head -c 30000000 /dev/zero | tr '\\0' x >/proc/$p/fd/1; echo >/proc/$p/fd/1"
    )
    most = "ps -o rss= -C sed,fold,sh | sort -n | tail -n 1"
    with following(served, "--tail", "1", "--container", "keepalived") as followed:
        eventually(lambda: len(readers(served)) >= len(served.lab.nodes), "they are followed")
        seen = [0]
        watch = threading.Event()

        def look() -> None:
            while not watch.wait(0.1):
                seen.append(int(served.node(node, most)))

        thread = threading.Thread(target=look)
        thread.start()
        try:
            served.node(node, flood)
            say(served, node, KEEPALIVED, "after the flood")
            followed.sees("after the flood", seconds=120)
        finally:
            watch.set()
            thread.join()
    assert max(seen) < 16_000, "kilobytes"


def test_a_node_without_anything_is_reported(fresh: Cluster) -> None:
    result = fresh.run("logs")
    assert result.code == 1
    assert f"n1: there is no container {HAPROXY}" in result.err
    assert "there is no log" in result.err
    assert result.out == ""
