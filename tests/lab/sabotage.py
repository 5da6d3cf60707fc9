"""Faults from the field: each breaks a serving cluster and is undone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.harness import HAPROXY, KEEPALIVED, ROOT, Cluster, eventually

CONF = f"{ROOT}/keepalived/keepalived.conf"
CFG = f"{ROOT}/haproxy/haproxy.cfg"
HUP = f"docker exec {KEEPALIVED} bash -c 'kill -HUP 1'"
LISTEN = "import socket,time; s=socket.create_server(('',9443)); time.sleep(600)"


@dataclass(frozen=True)
class Sabotage:
    """One way to break a cluster.

    Attributes:
        cause: what must be recognised first.
        harm: shell that breaks a node.
        mend: shell that undoes it.
        on: which nodes: holder, other (one backup) or all.
        holders: how many nodes have the VIP once it works.
        elsewhere: shell for all nodes before the harm; undone by `mend` there, too.
    """

    cause: str
    harm: str
    mend: str
    on: str = "other"
    holders: int | None = 1
    elsewhere: str = ""

    def nodes(self, which: str, holder: str, cluster: Cluster) -> list[str]:
        other = next(node for node in cluster.lab.nodes if node != holder)
        return {"holder": [holder], "other": [other], "all": list(cluster.lab.nodes)}[which]

    @contextlib.contextmanager
    def done_to(self, cluster: Cluster) -> Iterator[list[str]]:
        """Break a cluster that serves, for as long as the body lasts.

        Yields:
            The nodes that the diagnosis must name.
        """

        def run(node: str, script: str) -> None:
            cluster.node(node, f"VIP={cluster.lab.vip}\n{script}")

        (holder,) = cluster.holders()
        everywhere = cluster.lab.nodes if self.elsewhere else ()
        victims = self.nodes(self.on, holder, cluster)
        try:
            for node in everywhere:
                run(node, self.elsewhere)
            for node in victims:
                run(node, self.harm)
            if self.holders is not None:
                eventually(
                    lambda: len(cluster.holders()) == self.holders, f"{self.holders} holders"
                )
            yield self.nodes(self.on, holder, cluster)
        finally:
            for node in dict.fromkeys([*everywhere, *victims]):
                run(node, self.mend)


def edited(change: str) -> tuple[str, str]:
    """Edit keepalived.conf by hand and reload it; and the way back."""
    harm = f"cp -p {CONF} /root/conf && sed -i '{change}' {CONF} && {HUP}"
    return (
        harm,
        f"[ ! -e /root/conf ] || {{ mv /root/conf {CONF}; {HUP} || docker restart {KEEPALIVED}; }}",
    )


def password(word: str) -> str:
    return rf'/priority/a\ authentication {{\n auth_type PASS\n auth_pass "{word}"\n }}'


def configured(change: str, then: str) -> tuple[str, str]:
    """Edit haproxy.cfg by hand; and the way back."""
    harm = f"cp -p {CFG} /root/cfg && sed -i '{change}' {CFG}; {then}"
    return harm, f"mv /root/cfg {CFG}; docker restart --time 2 {HAPROXY}"


FIRST_PID = "$(docker inspect --format '{{.State.Pid}}' %s)"

SABOTAGES = {
    "vrrp-blocked": Sabotage(
        "vrrp-blocked",
        # Both directions: a node that receives better adverts gives up the VIP.
        "iptables -I INPUT -p 112 -j DROP; iptables -I OUTPUT -p 112 -j DROP",
        "iptables -D INPUT -p 112 -j DROP; iptables -D OUTPUT -p 112 -j DROP",
        holders=2,
    ),
    "vrrp-blocked-leaving": Sabotage(
        "vrrp-blocked",
        "iptables -I OUTPUT -p 112 -j DROP",
        "iptables -D OUTPUT -p 112 -j DROP",
        on="all",
        holders=3,
    ),
    "vrrp-blocked-outside": Sabotage(
        "vrrp-blocked",
        # A table that hadeploy does not read; so is every rule on other machines.
        "iptables -t raw -I PREROUTING -p 112 -j DROP",
        "iptables -t raw -D PREROUTING -p 112 -j DROP",
        on="all",
        holders=3,
    ),
    "vrrp-refused": Sabotage(
        "vrrp-refused",
        # As if they had come through a router: multicast adverts must not (RFC 3768, 5.2.3).
        "iptables -t mangle -I PREROUTING -p 112 -j TTL --ttl-set 64",
        f"iptables -t mangle -F PREROUTING; {edited('')[1]}",
        elsewhere=edited("/unicast_peer {/,/}/d; /unicast_src/d")[0],
        holders=2,
    ),
    "virtual-router-id": Sabotage(
        "vrrp-settings-differ", *edited("s/virtual_router_id .*/virtual_router_id 77/"), holders=2
    ),
    "advert-interval": Sabotage(
        "vrrp-settings-differ", *edited("s/advert_int .*/advert_int 2/"), holders=2
    ),
    "multicast": Sabotage(
        "vrrp-settings-differ", *edited("/unicast_peer {/,/}/d; /unicast_src/d"), holders=2
    ),
    "password": Sabotage(
        "vrrp-password-differs",
        f"sed -i 's/one12345/two12345/' {CONF} && {HUP}",
        edited("")[1],
        elsewhere=edited(password("one12345"))[0],
        holders=2,
    ),
    "peers": Sabotage(
        "vrrp-peers",
        # The first peer: the first two nodes are each other's.
        *edited(r"0,/^ *[0-9][0-9.]*$/{//d}"),
        on="all",
        holders=2,
    ),
    "orphan": Sabotage(
        "orphaned-vip",
        f"docker kill {KEEPALIVED}",
        f"docker start {KEEPALIVED}",
        on="holder",
        holders=2,
    ),
    "stray": Sabotage(
        "stray-vip", "ip address add $VIP/32 dev eth0", "ip address del $VIP/32 dev eth0", holders=2
    ),
    "haproxy-stopped": Sabotage(
        "container-stopped",
        f"docker stop --time 2 {HAPROXY}",
        f"docker start {HAPROXY}",
        on="all",
        holders=0,
    ),
    "drained": Sabotage(
        "drained",
        f"echo 1 >{ROOT}/track/drain",
        f"echo 0 >{ROOT}/track/drain",
        on="all",
        holders=0,
    ),
    "restarting": Sabotage(
        "container-restarting",
        f"""for i in 1 2 3 4; do
            kill -9 {FIRST_PID % HAPROXY}
            until [ {FIRST_PID % HAPROXY} -gt 0 ]; do sleep 0.1; done
        done""",
        f"docker restart --time 2 {HAPROXY}",
    ),
    "haproxy-refuses": Sabotage(
        "config-refused",
        *configured("s/timeout queue/timeout queu/", f"docker restart --time 2 {HAPROXY}"),
    ),
    "keepalived-refuses": Sabotage(
        "config-refused", *edited("s/virtual_router_id .*/virtual_router_id 530/")
    ),
    "port-taken": Sabotage(
        "port-taken",
        f"""docker stop --time 2 {HAPROXY}
        setsid python3 -c "{LISTEN}" </dev/null >/dev/null 2>&1 & echo $! >/run/thief
        until [ -n "$(ss -Hltn 'sport = :9443')" ]; do sleep 0.1; done
        docker start {HAPROXY}""",
        f"kill $(cat /run/thief); docker restart --time 2 {HAPROXY}",
    ),
    "haproxy-frozen": Sabotage(
        "program-silent", "kill -STOP $(pidof haproxy)", "kill -CONT $(pidof haproxy)"
    ),
    "keepalived-frozen": Sabotage(
        "program-silent", "kill -STOP $(pidof keepalived)", "kill -CONT $(pidof keepalived)"
    ),
    "keepalived-paused": Sabotage(
        "program-silent", f"docker pause {KEEPALIVED}", f"docker unpause {KEEPALIVED}"
    ),
    "port-dropped": Sabotage(
        "port-dropped",
        "iptables -I INPUT -i eth0 -p tcp --dport 9443 -j DROP",
        "iptables -D INPUT -i eth0 -p tcp --dport 9443 -j DROP",
        on="holder",
    ),
    "vip-unheard": Sabotage(
        "vip-unheard",
        "ip neigh replace $VIP lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
        "ip neigh del $VIP dev eth0",
    ),
    "check-insecure": Sabotage(
        "check-not-run",
        f"chmod 777 {ROOT}/keepalived/check-haproxy.sh; docker restart {KEEPALIVED}",
        f"chmod 755 {ROOT}/keepalived/check-haproxy.sh; docker restart {KEEPALIVED}",
    ),
}
