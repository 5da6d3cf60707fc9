"""What would put a VIP on a node at its next boot is named before `up`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.harness import KEEPALIVED, Cluster

POD = "securityContext: {capabilities: {add: [NET_ADMIN]}}\nenv: [{name: address, value: %s}]\n"
RUN = "[Service]\nExecStart=docker run --net host osixia/keepalived:2.2.7\n"
COMPOSE = "[Service]\nExecStart=docker compose -f /opt/lb/compose.yaml up\n"
WANTED = "/etc/systemd/system/multi-user.target.wants"
# Path, content, and what is said; a file of a unit is enabled by being there.
FILES = [
    ("/etc/kubernetes/manifests/vip.yaml", POD, "the kubelet starts a pod that may take a VIP"),
    (f"{WANTED}/old.service", RUN, "the unit old.service starts haproxy or keepalived"),
    (f"{WANTED}/lb.service", COMPOSE, "the unit lb.service starts haproxy or keepalived"),
    ("/opt/lb/compose.yaml", "image: osixia/keepalived\n", ""),
    ("/etc/containers/systemd/k.container", "Image=keepalived\n", "k.container starts"),
    ("/etc/cron.d/old", "@reboot root docker start keepalived\n", "/etc/cron.d/old starts"),
    ("/etc/netplan/lb.yaml", "addresses: [%s/24]\n", "/etc/netplan/lb.yaml adds a VIP to the node"),
    ("/etc/cron.d/fine", "@daily root curl https://%s:9443/readyz\n", ""),
]


@contextmanager
def with_files(cluster: Cluster, node: str) -> Iterator[None]:
    for path, content, _ in FILES:
        text = content.replace("%s", cluster.lab.vip)
        cluster.node(node, f"mkdir -p {path.rpartition('/')[0]}; cat >{path} <<'END'\n{text}END")
    try:
        yield
    finally:
        cluster.node(node, "rm -rf " + " ".join(path for path, *_ in FILES))


def said(cluster: Cluster, node: str) -> list[tuple[str, str]]:
    """The verdict and the message of each finding of the check."""
    document = cluster.run("check", "--json").document
    return [
        (finding["verdict"], finding["message"])
        for finding in document["checks"]
        if finding["id"] == "conflicting-containers" and finding["node"] == node
    ]


def test_files_that_are_read_at_boot(served: Cluster) -> None:
    with with_files(served, "n2"):
        found = said(served, "n2")
    for path, content, words in FILES:
        reported = [verdict for verdict, message in found if words and words in message]
        if words:
            assert reported == ["fail" if "%s" in content else "warn"], (path, found)
        else:
            assert path not in str(found)
    assert [verdict for verdict, _ in said(served, "n2")] == ["pass"]


@pytest.mark.parametrize(
    "command",
    [
        "--entrypoint /bin/sh {image} -c 'exec keepalived -n -l -f /k/v.conf'",
        "--entrypoint /k/run.sh {image}",
    ],
    ids=["a shell", "a script"],
)
def test_a_stopped_keepalived_of_every_supervisor(served: Cluster, command: str) -> None:
    image = served.node("n2", f"docker inspect --format '{{{{.Config.Image}}}}' {KEEPALIVED}")
    options = "--restart always --net host --cap-add NET_ADMIN -v /root/ka:/k"
    conf = f"vrrp_instance old {{\n virtual_ipaddress {{\n {served.lab.vip}/32\n }}\n}}"
    served.node(
        "n2",
        f"""mkdir -p /root/ka
        printf '#!/bin/sh\\nexec sleep 100\\n' >/root/ka/run.sh; chmod +x /root/ka/run.sh
        printf '%s\\n' '{conf}' >/root/ka/v.conf
        docker tag {image} example/lb:1
        docker create --name old {options} {command.format(image="example/lb:1")}
        docker start old && docker stop --time 0 old""",
    )
    try:
        found = said(served, "n2")
        assert [verdict for verdict, _ in found] == ["fail"], found
        assert "it starts when Docker or the node restarts" in found[0][1]
        assert "VIP" in found[0][1]
    finally:
        served.node("n2", "docker rm -f old; docker rmi example/lb:1; rm -r /root/ka")
    assert [verdict for verdict, _ in said(served, "n2")] == ["pass"]
