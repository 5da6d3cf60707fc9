"""Every cause, the most probable first: a cause precedes those that it explains."""

from __future__ import annotations

from hadeploy.diagnose.backends import (
    BACKENDS_DOWN,
    BACKENDS_FULL,
    LISTENER_FULL,
)
from hadeploy.diagnose.configuration import (
    CHECK_NOT_RUN,
    CONFIG_REFUSED,
    NOT_APPLIED,
)
from hadeploy.diagnose.containers import (
    CONTAINER_MISSING,
    CONTAINER_RESTARTING,
    CONTAINER_STOPPED,
    DOCKER_DOWN,
    PORT_TAKEN,
    PROGRAM_SILENT,
)
from hadeploy.diagnose.network import (
    INTERFACE_DOWN,
    NODE_UNREACHABLE,
    PORT_DROPPED,
    VIP_UNHEARD,
)
from hadeploy.diagnose.segment import (
    FORGOTTEN_NODE_BACK,
    MISPLACED_VIP,
    VIP_STRANGER,
)
from hadeploy.diagnose.vip import (
    CHECK_FAILS,
    DRAINED,
    ORPHANED_VIP,
    STRAY_VIP,
    VRRP_STRANGER,
)
from hadeploy.diagnose.vrrp import (
    FOREIGN_KEEPALIVED,
    VRRP_BLOCKED,
    VRRP_PASSWORD_DIFFERS,
    VRRP_PEERS,
    VRRP_REFUSED,
    VRRP_SETTINGS_DIFFER,
)

CAUSES = (
    DOCKER_DOWN,
    INTERFACE_DOWN,
    PORT_TAKEN,
    CONFIG_REFUSED,
    CONTAINER_RESTARTING,
    PROGRAM_SILENT,
    ORPHANED_VIP,
    CONTAINER_MISSING,
    CONTAINER_STOPPED,
    FOREIGN_KEEPALIVED,
    FORGOTTEN_NODE_BACK,
    VIP_STRANGER,
    MISPLACED_VIP,
    VRRP_SETTINGS_DIFFER,
    VRRP_PASSWORD_DIFFERS,
    VRRP_PEERS,
    VRRP_REFUSED,
    VRRP_BLOCKED,
    STRAY_VIP,
    DRAINED,
    VRRP_STRANGER,
    CHECK_NOT_RUN,
    CHECK_FAILS,
    NOT_APPLIED,
    PORT_DROPPED,
    BACKENDS_FULL,
    LISTENER_FULL,
    VIP_UNHEARD,
    NODE_UNREACHABLE,
    BACKENDS_DOWN,
)
IDS = tuple(cause.id for cause in CAUSES)
