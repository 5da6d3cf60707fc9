"""A cluster set up by hand from the classic recipe.

haproxy runs in the container `diamond-haproxy`, with /etc/haproxy mounted and the path of the
configuration in its command. keepalived runs in a container without a name. Its configuration is
mounted from a home folder into the assets of the classic image, which `--copy-service` copies once,
at the first start.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from hadeploy.lab.lab import Lab
from hadeploy.lab.waiting import wait_until

HAPROXY = "diamond-haproxy"
HAPROXY_IMAGE = "haproxy:2.6.12"
KEEPALIVED_IMAGE = "osixia/keepalived:2.2.7"
PASSWORD = "d0ck#r"  # noqa: S105  the lab has nothing to hide
ROUTER_ID = 51
WEIGHT = 21
PORT = 9443
STATS_PORT = 8080
PRIORITIES = (100, 90, 80)
HAPROXY_CFG = "/etc/haproxy/haproxy.cfg"
KEEPALIVED_CONF = "/root/keepalived/keepalived.conf"
ASSETS = "/container/service/keepalived/assets"

_HAPROXY_CFG = """\
# Edited by hand.
global
    log 127.0.0.1 local0
    maxconn 5000
    daemon

defaults
    mode tcp
    log global
    option tcplog
    option dontlognull
    option redispatch
    retries 1
    timeout queue 20s
    timeout connect 5s
    timeout client 20m
    timeout server 20m
    timeout check 10s

frontend kube-apiserver
    bind *:9443
    default_backend kube-apiserver

backend kube-apiserver
    balance roundrobin
{servers}

listen stats
    bind *:{stats_port}
    mode http
    stats enable
    stats uri /
    stats auth admin:canary-of-the-page
"""

_KEEPALIVED_CONF = """\
global_defs {{
   script_user root
   enable_script_security
}}

vrrp_script chk_haproxy {{
    script "/bin/bash -c 'if [[ $(netstat -nlp | grep 9443) ]]; then exit 0; else exit 1; fi'"
    interval 2  # every two seconds
    weight {weight}
}}

vrrp_instance VI_1 {{
  interface eth0
  state {state} # BACKUP on the others
  virtual_router_id {router_id}
  priority {priority}
  advert_int 1
{unicast}
  virtual_ipaddress {{
    {vip}  # the VIP
  }}
  authentication {{
    auth_type PASS
    auth_pass "{password}"
  }}
  track_script {{
      chk_haproxy
  }}
  notify "{assets}/notify.sh"
}}
"""


def haproxy_cfg(lab: Lab) -> str:
    """The haproxy.cfg, the same on every node."""
    servers = "\n".join(f"    server {node} {lab.address(node)}:6443 check" for node in lab.nodes)
    return _HAPROXY_CFG.format(servers=servers, stats_port=STATS_PORT)


def keepalived_conf(lab: Lab, node: str, *, unicast: bool) -> str:
    """The keepalived.conf of one node.

    Args:
        lab: the lab.
        node: its name.
        unicast: whether to list the peers; an empty list, as in the recipe, means multicast.
    """
    position = lab.nodes.index(node)
    peers = [lab.address(other) for other in lab.nodes if other != node] if unicast else []
    listed = "".join(f"    {peer}\n" for peer in peers)
    source = f"  unicast_src_ip {lab.address(node)}\n" if unicast else ""
    return _KEEPALIVED_CONF.format(
        state="BACKUP" if position else "MASTER",
        priority=PRIORITIES[position],
        weight=WEIGHT,
        router_id=ROUTER_ID,
        unicast=f"{source}  unicast_peer {{\n{listed}  }}",
        vip=lab.vip,
        password=PASSWORD,
        assets=ASSETS,
    )


def set_up(
    lab: Lab,
    *,
    unicast: bool = False,
    port: int = PORT,
    haproxy: str = "",
    options: str = "",
) -> None:
    """Set up the cluster on every node of a lab without a cluster.

    Return when one node has the VIP and the VIP answers.

    Args:
        lab: with three nodes.
        unicast: whether keepalived uses unicast instead of multicast.
        port: of haproxy for the API servers.
        haproxy: the text of haproxy.cfg; "" for the recipe's.
        options: additional options of `docker run` for haproxy.

    Raises:
        HadeployError: the cluster did not serve in time.
    """
    lab.load_images(HAPROXY_IMAGE, KEEPALIVED_IMAGE)

    def one(node: str) -> None:
        _write(lab, node, HAPROXY_CFG, haproxy or haproxy_cfg(lab).replace(f"{PORT}", f"{port}"))
        keepalived = keepalived_conf(lab, node, unicast=unicast).replace(f"{PORT}", f"{port}")
        _write(lab, node, KEEPALIVED_CONF, keepalived)
        _shell(
            lab,
            node,
            f"""docker run -d --name {HAPROXY} --net=host --restart always \\
                {options} -v /etc/haproxy:/etc/haproxy:ro {HAPROXY_IMAGE} haproxy -f {HAPROXY_CFG}
            docker run -d --net=host --restart always \\
                --cap-add NET_ADMIN --cap-add NET_BROADCAST --cap-add NET_RAW \\
                -v {KEEPALIVED_CONF}:{ASSETS}/keepalived.conf \\
                {KEEPALIVED_IMAGE} --copy-service""",
        )

    with ThreadPoolExecutor(max_workers=len(lab.nodes)) as pool:
        list(pool.map(one, lab.nodes))
    # The VIP may move until all nodes have added their weight.
    preferred = [lab.nodes[0]]
    wait_until(lambda: holders(lab) == preferred, what="the preferred node's VIP", timeout=30)
    wait_until(lambda: answer(lab, port) in lab.nodes, what=f"an answer on {port}", timeout=30)


def tear_down(lab: Lab) -> None:
    """Remove the cluster, also after an interrupted setup or adoption."""

    def one(node: str) -> None:
        _shell(
            lab,
            node,
            f"""found=$({{ docker ps --all --quiet --filter ancestor={KEEPALIVED_IMAGE}
                docker ps --all --quiet --filter name=diamond; }} | sort -u)
            [ -z "$found" ] || docker stop --time 5 $found
            [ -z "$found" ] || docker rm $found
            rm -rf /etc/haproxy /root/keepalived
            for address in $(ip -o address show dev eth0 to {lab.vip} | awk '{{print $4}}')
            do ip address del "$address" dev eth0; done""",
        )

    with ThreadPoolExecutor(max_workers=len(lab.nodes)) as pool:
        list(pool.map(one, lab.nodes))


@contextlib.contextmanager
def by_hand(
    lab: Lab,
    *,
    unicast: bool = False,
    port: int = PORT,
    haproxy: str = "",
    options: str = "",
) -> Iterator[None]:
    """A classic cluster for the duration of the block; see `set_up`."""
    tear_down(lab)
    try:
        set_up(lab, unicast=unicast, port=port, haproxy=haproxy, options=options)
        yield
    finally:
        tear_down(lab)


def holders(lab: Lab) -> list[str]:
    """The nodes that have the VIP."""
    return [n for n in lab.nodes if _shell(lab, n, f"ip -o address show to {lab.vip}")]


def answer(lab: Lab, port: int = PORT) -> str:
    """The answer of the VIP on that port, or ""."""
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "2", f"http://{lab.vip}:{port}/"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _shell(lab: Lab, node: str, script: str) -> str:
    return lab.exec(node, ["sh", "-ec", script]).stdout.strip()


def _write(lab: Lab, node: str, path: str, content: str) -> None:
    folder = path.rpartition("/")[0]
    script = f"mkdir -p {folder} && cat >{path}"
    lab.exec(node, ["sh", "-ec", script], input=content)
