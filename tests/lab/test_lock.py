"""One writer at a time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.harness import HAPROXY, ROOT, Cluster, eventually

LOCK = "/run/hadeploy/kube-lb.lock"
CHANGE = {"maxconn": 700}


@pytest.fixture
def cluster_free(served: Cluster) -> Iterator[Cluster]:
    """Served, and without a lock before and after."""
    yield served
    for node in served.lab.nodes:
        served.node(node, f"rm -f {LOCK}")


def steal(expires: str) -> str:
    """Shell that takes the lock of a node for another run."""
    return (
        "install -d -m 0700 /run/hadeploy; (flock 9; "
        f"printf 'token=other\\nowner=ann@desk\\npurpose=up\\nsince=%s\\nexpires=%s\\n' "
        f'"$(date +%s)" "{expires}" >{LOCK}) 9>{LOCK}.mutex'
    )


def lock(cluster: Cluster, node: str, expires: str) -> None:
    """The lock of another run."""
    cluster.node(node, steal(expires))


IN_A_MINUTE = "$(($(cut -d. -f1 /proc/uptime) + 60))"
JUST_NOW = "$(cut -d. -f1 /proc/uptime)"


def test_the_lock_of_another_run_is_respected_and_named(cluster_free: Cluster) -> None:
    lock(cluster_free, "n2", IN_A_MINUTE)
    cluster_free.inventory["haproxy"] = CHANGE
    before = cluster_free.snapshot()
    for command in (("up",), ("down", "--yes")):
        result = cluster_free.run(*command)
        assert result.code == 6
        assert "n2: taking the lock: locked by ann@desk for `up`" in result.err
    assert cluster_free.snapshot() == before
    assert cluster_free.node("n1", f"ls {LOCK}", check=False) == "", "given back where it was free"


def test_an_up_without_changes_needs_no_lock(cluster_free: Cluster) -> None:
    lock(cluster_free, "n2", IN_A_MINUTE)
    assert cluster_free.up()["changes"] == 0


def test_a_lock_of_a_dead_run_expires(cluster_free: Cluster) -> None:
    lock(cluster_free, "n2", JUST_NOW)
    cluster_free.inventory["haproxy"] = CHANGE
    assert cluster_free.up()["changes"] > 0
    for node in cluster_free.lab.nodes:
        assert cluster_free.node(node, f"ls {LOCK}", check=False) == ""


def waiting_for(cluster: Cluster, node: str, *arguments: str) -> str:
    """What a command says that finds a node locked, and waits until the lock is given back."""
    lock(cluster, node, IN_A_MINUTE)
    with cluster.start(*arguments) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if "waiting" in line:
                break
        cluster.node(node, f"rm -f {LOCK}")
        said += process.stderr.read()
    assert process.returncode == 0, said
    return said


def test_a_lock_is_waited_for(cluster_free: Cluster) -> None:
    cluster_free.inventory["haproxy"] = CHANGE
    said = waiting_for(cluster_free, "n2", "up", "--lock-wait", "50")
    assert "waiting: n2: taking the lock: locked by ann@desk" in said


def test_unlock_names_the_owner_and_releases(cluster_free: Cluster) -> None:
    lock(cluster_free, "n3", IN_A_MINUTE)
    assert cluster_free.run("unlock").code == 2
    result = cluster_free.ok("unlock", "--yes")
    assert "n3: locked by ann@desk" in result.err
    assert cluster_free.node("n3", f"ls {LOCK}", check=False) == ""
    assert "No node is locked." in cluster_free.ok("unlock", "--yes").err


NO_SINCE = f"token=other\\nowner=ann@desk\\npurpose=up\\nexpires={IN_A_MINUTE}\\n"


def write_lock(cluster: Cluster, node: str, content: str) -> None:
    """A lock file with any content; shell expands it."""
    cluster.node(node, f'install -d -m 0700 /run/hadeploy; printf "{content}" >{LOCK}')


@pytest.mark.parametrize(
    "content",
    [
        "",
        "garbage\\n\\033]52;c;aGk=\\007",
        "token=other\\nowner=ann@desk\\npurpose=up\\nsince=1\\n",
        "token=other\\nowner=ann@desk\\npurpose=up\\nsince=1\\nexpires=soon\\n",
        "token=other\\nowner=ann@desk\\npurpose=up\\nsince=1\\nexpires=99999999999\\n",
        "token=other\\nowner=ann@desk\\npurpose=up\\nsince=1\\nexpires=999999999999999999999\\n",
        "token=other\\nowner=ann@desk\\npurpose=up\\nsince=1\\nexpires=08\\n",
    ],
    ids=["empty", "garbage", "no expiry", "words", "in years", "too large", "octal"],
)
def test_a_lock_that_no_run_has_written_blocks_no_run(cluster_free: Cluster, content: str) -> None:
    write_lock(cluster_free, "n2", content)
    # It is taken, and given back.
    cluster_free.ok("drain", "n3")
    assert cluster_free.node("n2", f"ls {LOCK}", check=False) == ""
    write_lock(cluster_free, "n2", content)
    cluster_free.ok("undrain", "n3")
    write_lock(cluster_free, "n2", content)
    assert "No node is locked." in cluster_free.ok("unlock", "--yes").err


def test_a_lock_without_its_age_is_reported_and_released(cluster_free: Cluster) -> None:
    write_lock(cluster_free, "n2", NO_SINCE)
    result = cluster_free.run("drain", "n3")
    assert result.code == 6
    assert "n2: taking the lock: locked by ann@desk for `up`, ? s ago" in result.err
    assert "n2: locked by ann@desk for `up`, ? s ago" in cluster_free.ok("unlock", "--yes").err
    assert cluster_free.node("n2", f"ls {LOCK}", check=False) == ""


def test_unlock_releases_what_it_can_reach_and_names_the_rest(cluster_free: Cluster) -> None:
    lock(cluster_free, "n2", IN_A_MINUTE)
    lock(cluster_free, "n3", IN_A_MINUTE)
    cluster_free.inventory["ssh"]["connect_timeout"] = 2
    cluster_free.lab.link("n2", up=False)
    try:
        result = cluster_free.run("unlock", "--yes")
    finally:
        cluster_free.lab.link("n2", up=True)
    assert result.code == 3
    assert "n3: locked by ann@desk" in result.err
    assert "n2: connecting to" in result.err
    assert cluster_free.node("n3", f"ls {LOCK}", check=False) == ""
    assert cluster_free.node("n2", f"ls {LOCK}", check=False) == LOCK


def test_square_brackets_in_names_are_what_they_are(cluster_free: Cluster) -> None:
    content = NO_SINCE.replace("ann@desk", "ann[/red]@[bold]desk:smile:")
    write_lock(cluster_free, "n2", content)
    result = cluster_free.ok("unlock", "--yes")
    assert "n2: locked by ann[/red]@[bold]desk:smile:" in result.err
    output = cluster_free.folder / "out[/red][bold]"
    assert str(output / "n1") in cluster_free.ok("render", "-o", str(output)).out


def test_the_lock_of_another_run_is_named_where_nothing_can_be_written(
    cluster_free: Cluster,
) -> None:
    mount = "mkdir -p /run/hadeploy; mount -t tmpfs -o nr_inodes=2 none /run/hadeploy"
    cluster_free.node("n2", f'{mount}; printf "{NO_SINCE}" >{LOCK}')
    try:
        result = cluster_free.run("drain", "n3")
        assert result.code == 6
        assert "n2: taking the lock: locked by ann@desk for `up`" in result.err
    finally:
        cluster_free.node("n2", "umount /run/hadeploy")


def test_a_run_that_lost_its_lock_changes_nothing_more(cluster_free: Cluster) -> None:
    cluster_free.inventory["haproxy"] = CHANGE
    (holder,) = cluster_free.holders()
    before = cluster_free.snapshot()[holder]
    process = cluster_free.start("up")
    eventually(
        lambda: cluster_free.node(holder, f"ls {LOCK}", check=False), "the run has its lock", 60
    )
    lock(cluster_free, holder, IN_A_MINUTE)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "this run no longer holds its lock" in said
    assert live(cluster_free.snapshot()[holder]) == live(before)


def test_a_run_that_loses_its_lock_between_two_steps_goes_no_further(cluster_free: Cluster) -> None:
    (holder,) = cluster_free.holders()
    first, second = [node for node in cluster_free.lab.nodes if node != holder]
    before, running = cluster_free.snapshot(), worker(cluster_free, first)
    cluster_free.inventory["listeners"] = [{"balance": "roundrobin"}]
    # The last that is done with a new file, before the next step begins.
    with cluster_free.instead_of(first, "sync", f"{ROOT}/haproxy", steal(IN_A_MINUTE)):
        result = cluster_free.run("up", "--json")
    assert result.code == 1
    (error,) = result.document["errors"]
    assert error["node"] == first
    assert "this run no longer holds its lock" in error["message"]
    assert result.document["nodes"] == {first: "partial", second: "untouched", holder: "untouched"}
    assert "roundrobin" in cluster_free.node(first, f"cat {ROOT}/haproxy/haproxy.cfg")
    assert worker(cluster_free, first) == running, "it was not told to read the new file"
    assert cluster_free.node(first, f"cat {LOCK}").startswith("token=other")
    for node in (second, holder):
        assert live(cluster_free.snapshot()[node]) == live(before[node])
    cluster_free.node(first, f"rm {LOCK}")
    cluster_free.up()
    assert worker(cluster_free, first) != running
    assert cluster_free.up()["changes"] == 0


def live(snapshot: str) -> list[str]:
    """What is in force; what a run that lost its lock has staged the next change removes."""
    return [line for line in snapshot.splitlines() if ".staging" not in line]


def worker(cluster: Cluster, node: str) -> str:
    """The processes of haproxy, of which a reload makes a new one."""
    return cluster.node(node, f"docker top {HAPROXY} -o pid")


def test_of_two_runs_at_once_one_refuses_or_waits(cluster_free: Cluster) -> None:
    cluster_free.inventory["haproxy"] = CHANGE
    first, second = cluster_free.start("up"), cluster_free.start("up")
    codes = sorted([finish(first), finish(second)])
    # The second may also come when the first has ended, and find nothing to do.
    assert codes in ([0, 0], [0, 6])
    cluster_free.inventory["haproxy"] = {"maxconn": 800}
    runs = [cluster_free.start("up", "--lock-wait", "60") for _ in range(2)]
    assert sorted(finish(run) for run in runs) == [0, 0]
    assert cluster_free.up()["changes"] == 0


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=180)
    return process.returncode


@pytest.mark.parametrize(
    "options",
    [
        "size=4k",
        pytest.param("nr_inodes=2", marks=pytest.mark.exhaustive),
        pytest.param("ro", marks=pytest.mark.exhaustive),
    ],
)
def test_a_lock_that_cannot_be_written(cluster_free: Cluster, options: str) -> None:
    fill = "dd if=/dev/zero of=/run/hadeploy/fill bs=1k count=16 2>/dev/null"
    mount = f"mkdir -p /run/hadeploy; mount -t tmpfs -o {options} none /run/hadeploy"
    cluster_free.node("n2", f"{mount}; {fill}; true")
    cluster_free.inventory["haproxy"] = CHANGE
    before = cluster_free.snapshot()
    try:
        result = cluster_free.run("up")
        assert result.code == 1
        assert "n2: taking the lock: the lock cannot be written to /run/hadeploy" in result.err
        assert "is /run full (space or inodes) or read-only?" in result.err
    finally:
        cluster_free.node("n2", "umount /run/hadeploy")
    assert cluster_free.snapshot() == before
    assert cluster_free.up()["changes"] > 0


def test_a_run_that_ends_while_a_script_works_leaves_no_lock(served: Cluster) -> None:
    served.inventory["haproxy"] = {"hard_stop_after": "47s"}
    # n2 is still at work when the run gives its lock back there, and ends before the run does.
    slow = served.instead_of("n2", "docker", "run", "sleep 3")
    slower = served.instead_of("n1", "flock", "-w", "sleep 8")
    with slow, slower:
        result = served.accident("hangup", "n3 checking the haproxy", "up")
    assert result.code == 130, result.err
    eventually(lambda: not served.node("n2", f"cat {LOCK}", check=False), "the lock is gone", 10)
    served.up()
