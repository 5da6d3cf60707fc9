"""The two containers as specifications.

The programs are started directly, not through the images' own init: PID 1 is then haproxy or
keepalived itself in every image generation, signals reach it, and nothing reloads behind our back.
"""

from __future__ import annotations

import math

from hadeploy.desired import layout
from hadeploy.desired.desired_node import Container
from hadeploy.inventory.cluster import Cluster, backends_of

# keepalived needs a second to send its farewell advert and to remove the VIP.
KEEPALIVED_STOP_SECONDS = 15
# The same where the containers are removed: a keepalived that is killed leaves its addresses.
REMOVAL_STOP_SECONDS = 35

# One for each CPU: 64 at most before haproxy 3, and then by groups of as many.
MOST_THREADS = 256
# Ten for haproxy itself, ten for its stats socket, and the binds that every inventory has.
OWN_FILES = 24
FILES_STEP = 1000

# Far above what the programs need, so that one gone wild does not take the node along.
# haproxy has a thread for each CPU, and workers that still have connections after a reload.
HAPROXY_PIDS = 8192
# keepalived, its child, a check and what `docker exec` adds.
KEEPALIVED_PIDS = 256
KEEPALIVED_MIB = 256
# A track file has two bytes, keepalived's dump of its state some hundred kilobytes.
FILE_MIB = 4
# Of each folder in memory: a socket, PID files, that dump.
TMPFS_SIZE = "16m"


def removal_command(cluster: Cluster) -> str:
    """The shell command that removes the containers of a node that hadeploy cannot reach.

    keepalived ends first and takes its addresses away. `docker rm --force` would kill it and leave
    them.
    """
    haproxy, keepalived = cluster.container_names
    stop = f"docker stop -t {REMOVAL_STOP_SECONDS}"
    return f"{stop} {keepalived}; {stop} {haproxy}; docker rm {keepalived} {haproxy}"


def haproxy_container(cluster: Cluster, *, privileged: bool = False) -> Container:
    """haproxy as master-worker in the foreground; USR2 reloads (haproxy management guide, 4).

    Args:
        privileged: whether a template binds a port that the image's own user could not bind.
    """
    as_root = privileged or _privileged_port(cluster)
    return Container(
        role="haproxy",
        name=cluster.container_names[0],
        image=cluster.images.haproxy.reference,
        entrypoint="haproxy",
        arguments=("-W", "-db", "-f", f"{layout.IN_HAPROXY}/haproxy.cfg"),
        mounts=((f"{cluster.root}/haproxy", layout.IN_HAPROXY, "ro"),),
        tmpfs=(_tmpfs(layout.IN_HAPROXY_RUN),),
        user="root" if as_root else f"{layout.HAPROXY_UID}:{layout.HAPROXY_UID}",
        capabilities=("NET_BIND_SERVICE",) if as_root else (),
        nofile=_nofile(cluster),
        pids=HAPROXY_PIDS,
        memory=_haproxy_mib(cluster),
        file_size=None,
        stop_signal="SIGUSR1",
        stop_timeout=cluster.haproxy.stop_timeout,
        log_max_size=cluster.containers.log_max_size,
        log_max_file=cluster.containers.log_max_file,
        cluster=cluster.name,
    )


def keepalived_container(cluster: Cluster) -> Container:
    """keepalived in the foreground; its pid file is on a tmpfs, so none is ever stale."""
    return Container(
        role="keepalived",
        name=cluster.container_names[1],
        image=cluster.images.keepalived.reference,
        entrypoint="keepalived",
        arguments=(
            "--dont-fork",
            "--log-console",
            "--log-detail",
            "--pid=/run/keepalived.pid",
            "--vrrp_pid=/run/keepalived-vrrp.pid",
            f"--use-file={layout.IN_KEEPALIVED}/keepalived.conf",
        ),
        mounts=(
            (f"{cluster.root}/keepalived", layout.IN_KEEPALIVED, "ro"),
            # keepalived 2.3 ignores track files that it sees on a read-only file system.
            (f"{cluster.root}/{layout.TRACK}", layout.IN_TRACK, "rw"),
        ),
        # In the container, where keepalived dumps its state.
        tmpfs=(_tmpfs("/run"), _tmpfs("/tmp")),  # noqa: S108
        user=None,
        # Without SETGID and SETUID keepalived cannot start its check, and takes that for good.
        capabilities=("NET_ADMIN", "NET_BROADCAST", "NET_RAW", "SETGID", "SETUID"),
        nofile=None,
        pids=KEEPALIVED_PIDS,
        memory=KEEPALIVED_MIB,
        file_size=FILE_MIB,
        stop_signal="SIGTERM",
        stop_timeout=KEEPALIVED_STOP_SECONDS,
        log_max_size=cluster.containers.log_max_size,
        log_max_file=cluster.containers.log_max_file,
        cluster=cluster.name,
    )


def _tmpfs(path: str) -> str:
    return f"{path}:size={TMPFS_SIZE}"


def _haproxy_mib(cluster: Cluster) -> int:
    return 512 + cluster.haproxy.maxconn // 8


def _privileged_port(cluster: Cluster) -> bool:
    """Whether the image's own user, which is not root since 2.4, could not bind a port."""
    return any(port < 1024 for port in cluster.haproxy_ports)


def _nofile(cluster: Cluster) -> int:
    """The open files that haproxy asks for when it starts; with a lower limit it does not start.

    Two for each connection, three for each thread, one for each server and each bind, and its own
    (haproxy.c, compute_ideal_maxsock; `show info` of 2.6.12 gives the same). All but the
    connections are rounded up by far: an added backend needs no new container.
    """
    connections = cluster.haproxy.maxconn + layout.HEALTH_MAXCONN
    servers = sum(len(backends_of(cluster, listener)) for listener in cluster.listeners)
    families = len({vip.version for vip in cluster.vip})
    others = OWN_FILES + 3 * MOST_THREADS + families * len(cluster.listeners) + servers
    return 2 * connections + math.ceil(others / FILES_STEP) * FILES_STEP
