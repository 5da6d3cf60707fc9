"""check-haproxy.sh, keepalived's check of haproxy, and how long its parts take. Pure."""

from __future__ import annotations

import jinja2

from hadeploy.desired import layout
from hadeploy.desired.client_hello import hello_for_printf
from hadeploy.desired.desired_node import File
from hadeploy.desired.templates import render
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.parts import VrrpCheck

# How often the check asks the haproxy that it watches, and what is left until the next check:
# keepalived skips one that finds the last at work.
ASK_INTERVAL_SECONDS = 0.1
SPARE_SECONDS = 0.15
# How long haproxy may take to answer: a second, in turns of the check.
TURN_SECONDS = 0.1
TURNS = 10
# What is left of keepalived's timeout to start bash on a busy machine, and after the watch for an
# answer.
START_SECONDS = 0.5
LAST_ANSWER_SECONDS = 0.5
# How long a client of a listener is waited for, where the health port has no connection left.
SERVES_SECONDS = 0.4
# Who may answer on the health port: haproxy, which is root where a port is below 1024.
OWNERS = (0, layout.HAPROXY_UID)


def check_script(cluster: Cluster, jinja: jinja2.Environment) -> File:
    """The same on every node.

    Args:
        jinja: from `templates.environment`.
    """
    check = cluster.vrrp.check
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
        listener_port=cluster.listeners[0].port,
        hello=hello_for_printf(),
        serves_seconds=SERVES_SECONDS,
    )
    return File(layout.CHECK_SCRIPT, text, 0o755, "keepalived")


def watch_end(check: VrrpCheck) -> float:
    """Until when a good check watches haproxy, in seconds after its start.

    Args:
        check: from the inventory.
    """
    until_next = min(check.interval, layout.IDLE_SECONDS) - SPARE_SECONDS
    return max(0.0, min(until_next, answer_end(check) - LAST_ANSWER_SECONDS))


def answer_end(check: VrrpCheck) -> float:
    """Until when a check waits for an answer, in seconds after its start.

    Later keepalived would end it, and count it as failed.

    Args:
        check: from the inventory.
    """
    return check.timeout - START_SECONDS


def _hundredths(seconds: float) -> int:
    """The unit of /proc/uptime (proc_uptime(5))."""
    return round(100 * seconds)
