"""What else on a node claims the VIP, the router id or a port is named before it does harm."""

from __future__ import annotations

from functools import partial

from hadeploy.lab import by_hand as classic
from hadeploy.lab.waiting import wait_until
from tests.lab.claims import OLD_PAIR, SECOND_CLUSTER, record
from tests.lab.harness import HAPROXY, KEEPALIVED, Cluster, Result, eventually
from tests.lab.traffic import probing

POLICIES = (
    "docker ps --all --quiet | xargs docker inspect --format "
    "'{{.Name}} {{.HostConfig.RestartPolicy.Name}} {{.State.Status}}'"
)
SKIPPING = ("--skip", "conflicting-containers")


def reported(result: Result, check: str) -> list[str]:
    """What a check found wrong, one a line."""
    return [
        f"{f['node']}: {f['message']}"
        for f in result.document["checks"]
        if f["id"] == check and f["verdict"] != "pass"
    ]


def containers(cluster: Cluster, node: str) -> set[str]:
    return set(cluster.node(node, "docker ps --format '{{.Names}}'").split())


def test_an_old_pair_that_was_stopped_is_named_and_does_not_come_back(fresh: Cluster) -> None:
    with classic.by_hand(fresh.lab):
        for node in fresh.lab.nodes:
            fresh.node(node, "docker ps --quiet | xargs docker stop --time 5")
        # On n1 one that would not: it was stopped by hand.
        fresh.node("n1", f"docker update --restart unless-stopped {classic.HAPROXY}")
        fresh.node("n3", f"echo nonsense >>{classic.HAPROXY_CFG}; docker start {classic.HAPROXY}")
        loops = "docker inspect --format '{{.State.Status}}' " + classic.HAPROXY
        eventually(lambda: fresh.node("n3", loops) == "restarting", "it restarts in a loop")

        result = fresh.run("check", "--json")
        assert result.code == 3
        wrong = reported(result, "conflicting-containers")
        always = "it starts when Docker or the node restarts (restart policy always)"
        assert [line[:2] for line in wrong] == ["n1", "n2", "n2", "n3", "n3"]
        assert f"claims the VIP {fresh.lab.vip}; {always}" in wrong[0]
        haproxy = f"the container {classic.HAPROXY} ({classic.HAPROXY_IMAGE}) claims port 9443"
        assert f"n2: {haproxy}; {always}" in wrong
        assert f"n3: {haproxy}; it is in a restart loop (restart policy always)" in wrong
        for command in ("plan", "up"):
            result = fresh.run(command)
            assert result.code == 3
            assert "`hadeploy up --adopt` keeps it stopped" in result.err

        # As before that check existed: the cluster is brought up beside it.
        fresh.ok("up", *SKIPPING)
        assert fresh.holders() == ["n1"]
        with probing(fresh) as probe:
            fresh.lab.reboot("n2")
            eventually(
                lambda: fresh.holders() == ["n1", "n2"] and HAPROXY in containers(fresh, "n2"),
                "the old pair has the VIP, too",
            )
            result = fresh.run("verify", "--timeout", "1", "--json")
            assert result.code == 4
            assert ("n2", "vip-claimed-once") in result.failures()
            assert "vip-claimed-once" in fresh.run("status", "--json").out

            fresh.ok("up", "--adopt")
            assert fresh.up()["changes"] == 0
        assert len(fresh.holders()) == 1
        fresh.lab.reboot("n2")
        wait_until(
            lambda: fresh.run("verify").code == 0,
            what="only this cluster's containers run",
            timeout=60,
        )
        for node in fresh.lab.nodes:
            assert containers(fresh, node) == {HAPROXY, KEEPALIVED}
            theirs = [
                line for line in fresh.node(node, POLICIES).splitlines() if "kube-lb" not in line
            ]
            assert len(theirs) == 2, "no foreign container is removed"
            if node != "n1":
                assert all(line.endswith(" no exited") for line in theirs), theirs
        saw = f"n2: {haproxy}; {always}"
        record(OLD_PAIR, code=3, saw=saw, probe=probe, end="`hadeploy up --adopt` stopped it")


def test_a_second_cluster_with_the_same_vip_or_router_id_is_refused(served: Cluster) -> None:
    other = served.copy()
    other.inventory |= {
        "name": "other",
        "listeners": [{"port": 9453, "backend_port": 6443}],
        "haproxy": {"health_port": 19453},
    }
    before = served.snapshot()
    with probing(served) as probe:
        refused = other.run("check", "--json")
        assert refused.code == 3
        number = served.inventory.get("vrrp", {}).get("virtual_router_id", 53)
        wrong = reported(refused, "other-clusters")
        assert wrong == [
            f"{node}: the hadeploy cluster kube-lb is also on this node, with the same VIP "
            f"{served.lab.vip} and virtual_router_id {number}"
            for node in served.lab.nodes
        ]
        result = other.run("up")
        assert result.code == 3
        assert "the hadeploy cluster kube-lb is also on this node" in result.err
        assert served.snapshot() == before
    assert probe.failed == []
    record(SECOND_CLUSTER, code=3, saw=wrong[0], probe=probe, end="another VIP and router id")

    vip = f"{served.lab.vip.rpartition('.')[0]}.110"
    other.inventory["vip"] = vip
    assert "with the same virtual_router_id" in other.run("plan").err
    other.inventory["vrrp"] = {"virtual_router_id": number + 20}
    try:
        other.ok("up")
        for cluster in (served, other):
            assert cluster.ok("verify", "--json").document["diagnosis"] == []
        # A stopped cluster still claims its VIP: its next `up` starts it.
        served.node("n1", "docker stop --time 5 other-keepalived other-haproxy")
        third = served.copy()
        third.inventory |= {"name": "third", "vip": vip, "containers": {"haproxy": "other-haproxy"}}
        said = " ".join(e["message"] for e in third.run("plan", "--json").document["errors"])
        assert (
            f"the hadeploy cluster other is also on this node, with the same VIP {vip} and" in said
        )
    finally:
        other.run("down", "--yes")
    assert served.up()["changes"] == 0


# Label of the container → what starts it, and how that is stopped.
MANAGERS = {
    "n2": ("io.kubernetes.pod.name=old-lb", "the kubelet", "/etc/kubernetes/manifests"),
    "n3": ("com.docker.swarm.service.name=old-lb", "Docker swarm", "docker service rm old-lb"),
}


def run_theirs(cluster: Cluster, node: str, role: str, options: str, config: str) -> None:
    """Start a foreign haproxy or keepalived from our image."""
    ours, program = (
        (HAPROXY, "haproxy -db") if role == "haproxy" else (KEEPALIVED, "keepalived -nlp/t/pid")
    )
    entry, flags = program.split()
    cluster.node(
        node,
        f"""mkdir -p /root/theirs && printf '{config}' >/root/theirs/{role}.conf
        image=$(docker inspect --format '{{{{.Config.Image}}}}' {ours})
        docker run --detach --name their-{role} --net host -v /root/theirs:/t {options} \
            --entrypoint {entry} "$image" {flags} -f /t/{role}.conf""",
    )


def remove_theirs(cluster: Cluster, node: str) -> None:
    names = "their-keepalived their-haproxy"
    cluster.node(
        node, f"docker stop -t 5 {names}; docker rm {names}; rm -r /root/theirs", check=False
    )


def has_started(cluster: Cluster, node: str) -> bool:
    return cluster.node(node, "cat /root/theirs/pid", check=False) != ""


def test_what_a_kubelet_or_swarm_starts_is_named_and_not_adopted(served: Cluster) -> None:
    vip = served.lab.vip
    claim = f"vrrp_instance old {{ virtual_ipaddress {{ {vip}/32\\n }}\\n }}"
    claim = claim.replace("{ ", "{\\n").replace(" }", "}")
    try:
        for node, (label, _, _) in MANAGERS.items():
            run_theirs(served, node, "keepalived", f"--label {label}", "global_defs {\\n}\\n")
            # It has read the file by then, so the VIP stays on one node.
            wait_until(
                partial(has_started, served, node), what="keepalived has read its file", timeout=30
            )
            served.node(node, f"printf '{claim}' >/root/theirs/keepalived.conf")
        before = served.snapshot()
        check, adopt = served.run("check", "--json"), served.run("up", "--adopt", "--json")
        assert (check.code, adopt.code) == (3, 3)
        found = [f for f in check.document["checks"] if f["verdict"] == "fail"]
        errors = adopt.document["errors"]
        for node, (_, manager, fix) in MANAGERS.items():
            words = f"cannot be taken over: {manager} starts it again"
            for told_of, key in ((found, "fix"), (errors, "hint")):
                (one,) = (f for f in told_of if f["node"] == node)
                assert words in one["message"]
                assert fix in one[key]
        assert served.snapshot() == before

        for node in MANAGERS:
            served.node(node, "docker stop -t 5 their-keepalived")
        check = served.ok("check", "--json")
        lines = reported(check, "conflicting-containers")
        assert len(lines) == len(MANAGERS)
        for line, (node, (_, manager, _)) in zip(lines, MANAGERS.items(), strict=True):
            assert line.startswith(f"{node}: the container their-keepalived (")
            assert f"claims the VIP {vip}; it does not run; {manager} may start it again" in line
        assert served.up()["changes"] == 0
    finally:
        for node in MANAGERS:
            remove_theirs(served, node)


def test_a_running_one_that_claims_nothing_is_named(served: Cluster) -> None:
    configs = {
        "haproxy": "frontend a\\n mode http\\n timeout client 1s\\n bind :7777\\n",
        "keepalived": "global_defs {\\n}\\n",
    }
    try:
        for role, config in configs.items():
            run_theirs(served, "n2", role, "--restart always", config)
        lines = reported(served.ok("check", "--json"), "conflicting-containers")
        assert len(lines) == len(configs)
        for line, role in zip(sorted(lines), sorted(configs), strict=True):
            assert line.startswith(f"n2: the container their-{role} (")
            assert line.endswith(
                f"runs {role} and claims nothing of this cluster; it runs; it starts when Docker "
                "or the node restarts (restart policy always)"
            )
        assert served.up()["changes"] == 0
    finally:
        remove_theirs(served, "n2")
