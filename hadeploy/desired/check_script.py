"""check-haproxy.sh, keepalived's check of haproxy, and its time limits. Pure."""

from __future__ import annotations

import jinja2

from hadeploy.desired import layout
from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.desired.desired_node import File
from hadeploy.desired.templates import render
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.parts import VrrpCheck

# The interval of requests to haproxy within one check.
ASK_INTERVAL_SECONDS = 0.1
# A check ends this long before the next one: keepalived skips a check while the last one runs.
SPARE_SECONDS = 0.15
# haproxy may take one second to answer, which the check waits in turns.
TURN_SECONDS = 0.1
TURNS = 10
# The part of keepalived's timeout that bash may need to start on a busy node.
START_SECONDS = 0.5
# The part that remains for the last answer.
LAST_ANSWER_SECONDS = 0.5
# The user ids of haproxy, which runs as root if a port is below 1024.
OWNERS = (0, layout.HAPROXY_UID)


def check_script(cluster: Cluster, jinja: jinja2.Environment) -> File:
    """The check script, the same on every node.

    Args:
        jinja: from `templates.environment`.
    """
    check = cluster.vrrp.check
    listener = cluster.listeners[0]
    families = {vip.version for vip in (*cluster.advertised_vips, *cluster.excluded_vips)}
    text = render(
        jinja,
        "check-haproxy.sh",
        cluster=cluster,
        haproxy=cluster.haproxy,
        vrrp=cluster.vrrp,
        watch_seconds=ASK_INTERVAL_SECONDS,
        watch_end=_hundredths(watch_end(check)),
        turn_seconds=TURN_SECONDS,
        turns=TURNS,
        answer_end=_hundredths(answer_end(check)),
        port=f"{cluster.haproxy.health_port:04X}",
        owners=OWNERS,
        many=layout.HEALTH_MAXCONN // 2,
        tables=["/proc/net/tcp", *(["/proc/net/tcp6"] if 6 in families else [])],
        listener_host="127.0.0.1" if 4 in families else "::1",
        listener_port=listener.port,
        listener_port_hex=f"{listener.port:04X}",
        hello=hello_for_printf(),
        check=check,
    )
    return File(layout.CHECK_SCRIPT, text, 0o755, "keepalived")


def watch_end(check: VrrpCheck) -> float:
    """When a successful check stops to watch haproxy, in seconds after its start."""
    until_next = min(check.interval, layout.IDLE_SECONDS) - SPARE_SECONDS
    return max(0.0, min(until_next, answer_end(check) - LAST_ANSWER_SECONDS))


def answer_end(check: VrrpCheck) -> float:
    """When a check stops to wait for an answer, in seconds after its start.

    Later, keepalived would end the check and count it as failed.
    """
    return check.timeout - START_SECONDS


def _hundredths(seconds: float) -> int:
    """In the unit of /proc/uptime (proc_uptime(5))."""
    return round(100 * seconds)
