"""The specifications of the two containers.

The containers start the programs directly, not the init of the image. So PID 1 is haproxy or
keepalived in every image, signals reach it, and only hadeploy reloads it.
"""

from __future__ import annotations

import math

from hadeploy.desired import layout
from hadeploy.desired.desired_node import Container
from hadeploy.inventory.cluster import Cluster, backends_of

# keepalived needs a second to send its last advert and to remove the VIP.
KEEPALIVED_STOP_SECONDS = 15
# The same before a removal: a killed keepalived leaves its addresses on the node.
REMOVAL_STOP_SECONDS = 35

# haproxy has one thread per CPU: at most 64 before version 3, later several groups of 64.
MAX_THREADS = 256
# Ten for haproxy itself, ten for its stats socket, and the binds of every inventory.
OWN_FILES = 24
FILES_STEP = 1000

# Limits far above the need of the programs, which protect the node from a program out of control.
# haproxy has one thread per CPU, also in old workers that keep connections after a reload.
HAPROXY_PIDS = 8192
# keepalived, its child, a check, and processes of `docker exec`.
KEEPALIVED_PIDS = 256
KEEPALIVED_MIB = 256
# A track file has two bytes, the dump of keepalived some hundred kilobytes.
FILE_MIB = 4
# Each tmpfs contains a socket, PID files, or the dump of keepalived.
TMPFS_SIZE = "16m"


def removal_command(cluster: Cluster) -> str:
    """The shell command that removes the containers of a node that hadeploy cannot reach.

    keepalived stops first and removes its addresses. `docker rm --force` would kill it, and the
    addresses would stay.
    """
    haproxy, keepalived = cluster.container_names
    stop = f"docker stop -t {REMOVAL_STOP_SECONDS}"
    return f"{stop} {keepalived}; {stop} {haproxy}; docker rm {keepalived} {haproxy}"


def haproxy_container(cluster: Cluster, *, privileged: bool = False) -> Container:
    """haproxy as master-worker in the foreground; USR2 reloads (haproxy management guide, 4).

    Args:
        privileged: whether a template binds a port below 1024.
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
    """keepalived in the foreground; its PID file is on a tmpfs and so is never stale."""
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
        # keepalived writes its dump to /tmp in the container.
        tmpfs=(_tmpfs("/run"), _tmpfs("/tmp")),  # noqa: S108
        user=None,
        # Without SETGID and SETUID keepalived cannot run its check, but treats it as successful.
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
    """Whether a port is below 1024: the user of the image is not root since haproxy 2.4."""
    return any(port < 1024 for port in cluster.haproxy_ports)


def _nofile(cluster: Cluster) -> int:
    """The limit of open files that haproxy needs to start.

    Two for each connection, three for each thread, one for each server and each bind, and OWN_FILES
    (haproxy.c, compute_ideal_maxsock; `show info` of 2.6.12 shows the same). All except the
    connections are rounded up, so that an added backend does not need a new container.
    """
    connections = cluster.haproxy.maxconn + layout.HEALTH_MAXCONN
    servers = sum(len(backends_of(cluster, listener)) for listener in cluster.listeners)
    families = len({vip.version for vip in cluster.vip})
    others = OWN_FILES + 3 * MAX_THREADS + families * len(cluster.listeners) + servers
    return 2 * connections + math.ceil(others / FILES_STEP) * FILES_STEP
