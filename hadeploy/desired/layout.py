"""Where things are: in the cluster's folder on a node, and where the containers see them."""

HAPROXY_CFG = "haproxy/haproxy.cfg"
# Written on the node itself (tasks/apply/server_state.sh), so no desired file.
SERVER_STATE = "haproxy/server-state"
NO_SERVER_STATE = "1\n"
KEEPALIVED_CONF = "keepalived/keepalived.conf"
CHECK_SCRIPT = "keepalived/check-haproxy.sh"
TRACK = "track"
APPLIED = "applied.json"
# Listeners that had a backend when a change was recorded, and what they answered
# (tasks/apply/backends.sh).
SERVED = "served"
# The files of a container that was set up by hand (tasks/apply/adopt.sh); `down` keeps them.
ADOPTED = "adopted"
STAGING = ".staging"
UNDO = ".undo"
PREVIOUS = ".previous"
# What a container that is being replaced is called until the new one is proven.
OLD = ".hadeploy-old"

OPERATOR_DRAIN = "drain"
RUN_DRAIN = "handover"
DRAINS = (OPERATOR_DRAIN, RUN_DRAIN)

IN_HAPROXY = "/usr/local/etc/haproxy"
# runc gives a tmpfs the mode of the image's folder: /tmp is the one that haproxy's user may write.
IN_HAPROXY_RUN = "/tmp"  # noqa: S108 - in the container
IN_KEEPALIVED = "/etc/keepalived"
IN_TRACK = "/etc/keepalived-track"

INSTANCE = "hadeploy"

# haproxy's user and group on the node: of no account, and in no range from which others take some
# (systemd's UIDS-GIDS; /etc/subuid; sssd's ldap_idmap_range_max). The kernel tells who listens on
# a port by it, so what answers on the health port is haproxy, and not another user of the node.
HAPROXY_UID = 2_100_000_000

# Slots of the global maxconn that only the health frontend can take: at the global limit a
# monitor-uri on any frontend times out, and the VIP would leave a node because it is busy.
HEALTH_MAXCONN = 100
# Of these, what the metrics get where they are on.
METRICS_MAXCONN = 20
# How long haproxy keeps a connection on the health port that asks nothing.
IDLE_SECONDS = 5
