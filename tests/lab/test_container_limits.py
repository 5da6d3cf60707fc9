"""A compromised keepalived or haproxy can do little to its node."""

from __future__ import annotations

import time

import pytest

from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually

TRACK = "/etc/keepalived-track"
LIMITS = "{{.HostConfig.PidsLimit}} {{.HostConfig.Memory}}"
OF_THE_NODE = "/root/of-the-node"


def in_keepalived(cluster: Cluster, node: str, script: str) -> str:
    """Run shell as the container's root; returns what it says."""
    cluster.lab.exec(node, ["sh", "-c", f"cat >{ROOT}/keepalived/evil"], input=script)
    try:
        return cluster.node(
            node, f"timeout 20 docker exec {KEEPALIVED} sh /etc/keepalived/evil 2>&1", check=False
        )
    finally:
        cluster.node(node, f"rm {ROOT}/keepalived/evil")


def test_a_drain_does_not_write_where_a_link_leads(served: Cluster) -> None:
    node = served.lab.nodes[-1]
    served.node(node, f"echo precious >{OF_THE_NODE}")
    in_keepalived(served, node, f"cd {TRACK} && rm drain && ln -s {OF_THE_NODE} drain")
    try:
        result = served.run("drain", node)
        assert served.node(node, f"cat {OF_THE_NODE}") == "precious"
        assert result.code != 0
        assert node in result.err
        # `up` puts the file back.
        plan = served.ok("plan", "--json").document
        assert "track/drain" in str(plan)
        served.up()
        served.ok("drain", node)
        assert served.node(node, f"cat {ROOT}/track/drain") == "1"
        served.ok("undrain", node)
    finally:
        served.node(node, f"rm {OF_THE_NODE}")


@pytest.mark.parametrize(
    "script",
    [
        f"cd {TRACK} && rm drain && mkfifo drain",
        f"cd {TRACK} && rm drain && ln -s /dev/zero drain",
        f"truncate -s 4000000 {TRACK}/drain",
        f"cd {TRACK} && i=0; while [ $i -lt 3000 ]; do : >file$i; i=$((i + 1)); done",
    ],
)
def test_files_that_a_container_leaves_delay_no_command(served: Cluster, script: str) -> None:
    node = served.lab.nodes[-1]
    in_keepalived(served, node, script)
    try:
        began = time.monotonic()
        result = served.run("status", "--json")
        assert time.monotonic() - began < 15
        assert result.document
    finally:
        served.node(node, f"cd {ROOT}/track && rm -f file* drain && echo 0 >drain")
        served.up()


def test_an_endless_state_of_keepalived_delays_no_command(served: Cluster) -> None:
    node = served.lab.nodes[-1]
    stop = f"docker exec {KEEPALIVED} sh -c 'rm -f /tmp/on /tmp/keepalived.data'"
    served.node(
        node,
        f"""docker exec --detach {KEEPALIVED} sh -c 'touch /tmp/on
            while [ -e /tmp/on ]; do ln -sfn /dev/urandom /tmp/keepalived.data; done'""",
    )
    try:
        began = time.monotonic()
        result = served.run("status", "--json")
        assert time.monotonic() - began < 30
        assert result.document
    finally:
        served.node(node, stop)
    eventually(lambda: served.run("status").code == 0, "all is well again")


def test_a_container_that_goes_wild_does_not_take_the_node_along(served: Cluster) -> None:
    node = served.lab.nodes[-1]
    reported = in_keepalived(
        served,
        node,
        f"""dd if=/dev/zero of=/tmp/much bs=1024k count=64; stat -c 'memory %s' /tmp/much
        rm /tmp/much
        dd if=/dev/zero of={TRACK}/much bs=1024k count=64; stat -c 'disk %s' {TRACK}/much
        rm {TRACK}/much""",
    )
    sizes = {
        line.split()[0]: int(line.split()[1]) for line in reported.splitlines() if line[0] in "md"
    }
    assert sizes["memory"] <= 16 * 2**20
    assert sizes["disk"] <= 4 * 2**20
    for name in (HAPROXY, KEEPALIVED):
        limits = served.node(
            node,
            f"docker inspect --format '{LIMITS}' {name}",
        )
        assert all(int(limit) > 0 for limit in limits.split())
    assert served.ok("verify")


def test_an_endless_configuration_of_a_foreign_keepalived_delays_no_command(
    served: Cluster,
) -> None:
    node = served.lab.nodes[-1]
    image = served.inventory["images"]["keepalived"]["reference"]
    served.node(
        node,
        f"""docker run --detach --name stranger --entrypoint bash {image} -c '
            cp /bin/bash /tmp/keepalived && exec /tmp/keepalived -c "sleep 300; :" -f /dev/zero
            ' >/dev/null""",
    )
    try:
        eventually(
            lambda: served.node(node, "grep -lx keepalived /proc/[0-9]*/comm | wc -l") == "3",
            "it runs",
        )
        began = time.monotonic()
        result = served.run("status", "--json")
        assert time.monotonic() - began < 20
        assert "stranger" in str(result.document)
    finally:
        served.node(node, "docker stop --time 1 stranger >/dev/null && docker rm stranger")


# Its configuration names a script that is a pipe, beside another one, and has more blocks in blocks
# than anything can follow.
TRAPS = """
mkdir -p /tmp/k /tmp/h && cd /tmp && mkfifo k/script k/beside &&
printf "vrrp_instance x {\\n notify /tmp/k/script\\n}\\n" >k/keepalived.conf &&
i=0 && while [ $i -lt 3000 ]; do echo "x {"; i=$((i + 1)); done >>k/keepalived.conf
cp /bin/bash keepalived && exec ./keepalived -c "sleep 300; :" -f /tmp/k/keepalived.conf
"""


def test_files_that_a_foreign_configuration_names_delay_no_command(served: Cluster) -> None:
    node = served.lab.nodes[-1]
    image = served.inventory["images"]["keepalived"]["reference"]
    served.node(
        node,
        f"docker run --detach --name stranger --entrypoint bash {image} -c '{TRAPS}' >/dev/null",
    )
    try:
        eventually(
            lambda: served.node(node, "grep -lx keepalived /proc/[0-9]*/comm | wc -l") == "3",
            "it runs",
        )
        for command in ("status", "check", "plan"):
            began = time.monotonic()
            result = served.run(command, "--json")
            assert time.monotonic() - began < 20
            assert "internal error" not in result.err
            assert node in str(result.document["errors"]) or not result.document["errors"]
    finally:
        served.node(node, "docker stop --time 1 stranger >/dev/null && docker rm stranger")
