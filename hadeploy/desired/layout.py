"""Paths in the cluster's directory on a node, and in the containers."""

HAPROXY_CFG = "haproxy/haproxy.cfg"
# Not a desired file: the node writes it (tasks/apply/server_state.sh).
SERVER_STATE = "haproxy/server-state"
NO_SERVER_STATE = "1\n"
KEEPALIVED_CONF = "keepalived/keepalived.conf"
CHECK_SCRIPT = "keepalived/check-haproxy.sh"
TRACK = "track"
APPLIED = "applied.json"
# Listeners that had a backend when a change was recorded, and their answers to clients
# (tasks/apply/backends.sh).
SERVED = "served"
# The files of a container that was set up by hand (tasks/apply/adopt.sh); `down` keeps them.
ADOPTED = "adopted"
STAGING = ".staging"
UNDO = ".undo"
PREVIOUS = ".previous"
# The suffix of the old container's name until the new one is proven.
OLD = ".hadeploy-old"

OPERATOR_DRAIN = "drain"
RUN_DRAIN = "handover"
DRAINS = (OPERATOR_DRAIN, RUN_DRAIN)

IN_HAPROXY = "/usr/local/etc/haproxy"
# runc gives a tmpfs the mode of the directory in the image: haproxy's user may write to /tmp.
IN_HAPROXY_RUN = "/tmp"  # noqa: S108 - in the container
IN_KEEPALIVED = "/etc/keepalived"
IN_TRACK = "/etc/keepalived-track"

INSTANCE = "hadeploy"

# haproxy's user and group on the node: no account has this id, and it is in no range that other
# programs use (systemd's UIDS-GIDS; /etc/subuid; sssd's ldap_idmap_range_max). The kernel shows the
# user of a listening socket, so the check recognises haproxy on the health port.
HAPROXY_UID = 2_100_000_000

# Slots of the global maxconn for the health frontend only. At the global limit, a monitor-uri on
# any frontend times out, and the VIP would leave a busy node.
HEALTH_MAXCONN = 100
# The part of these slots for the metrics, if enabled.
METRICS_MAXCONN = 20
# The part of these slots for a Unix socket that only root can reach. It offers the same as the
# health port (scripts/lib/http.sh). The path is in the container.
ROOT_MAXCONN = 10
ROOT_SOCKET = f"{IN_HAPROXY_RUN}/hadeploy.sock"
# haproxy closes a connection without a request on the health port after this time.
IDLE_SECONDS = 5
