"""The load balancer as a pyinfra deploy."""

import os

from pyinfra import host, inventory
from pyinfra.facts.server import Command
from pyinfra.operations import files, server

HAPROXY_IMAGE = os.environ["PEER_HAPROXY_IMAGE"]
KEEPALIVED_IMAGE = os.environ["PEER_KEEPALIVED_IMAGE"]
KEEPALIVED_FOLDER = os.environ["PEER_KEEPALIVED_FOLDER"]
RUN = "docker run --detach --restart unless-stopped --network host"

values = {
    "nodes": [node.name for node in inventory.get_group("lb")],
    "me": host.name,
    "priority": host.data.priority,
    "vip": os.environ["PEER_VIP"],
    "balance": os.environ.get("PEER_BALANCE", "roundrobin"),
}

for folder in ("/etc/haproxy", "/etc/keepalived"):
    files.directory(path=folder, mode="755")
haproxy_cfg = files.template(
    src="templates/haproxy.cfg.j2", dest="/etc/haproxy/haproxy.cfg", mode="644", **values
)
keepalived_conf = files.template(
    src="templates/keepalived.conf.j2",
    dest="/etc/keepalived/keepalived.conf",
    mode="644",
    **values,
)
running = (host.get_fact(Command, "docker ps --format '{{.Names}} {{.Image}}'") or "").splitlines()

if f"peer-haproxy {HAPROXY_IMAGE}" in running:
    server.shell(commands=["docker kill --signal USR2 peer-haproxy"], _if=haproxy_cfg.did_change)
else:
    server.shell(
        commands=[
            "docker stop peer-haproxy && docker rm peer-haproxy || true",
            f"{RUN} --name peer-haproxy --volume /etc/haproxy:/etc/haproxy:ro "
            f"{HAPROXY_IMAGE} haproxy -f /etc/haproxy/haproxy.cfg",
        ]
    )

if f"peer-keepalived {KEEPALIVED_IMAGE}" in running:
    server.shell(commands=["docker restart peer-keepalived"], _if=keepalived_conf.did_change)
else:
    server.shell(
        commands=[
            "docker stop peer-keepalived && docker rm peer-keepalived || true",
            f"{RUN} --name peer-keepalived "
            "--cap-add NET_ADMIN --cap-add NET_BROADCAST --cap-add NET_RAW "
            f"--volume /etc/keepalived:{KEEPALIVED_FOLDER} {KEEPALIVED_IMAGE}",
        ]
    )

server.shell(
    name="The port listens",
    commands=["timeout 30 sh -c 'until ss -Hltn sport = :9443 | grep -q .; do sleep 0.2; done'"],
)
