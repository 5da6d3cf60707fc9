"""Whether keepalived lets clients connect to the VIP (RFC 5798, 6.1: Accept_Mode). Pure."""

from __future__ import annotations

from hadeploy.config_files.keepalived import Statement, parse

_ON = ("", "on", "true", "yes")


def keeps_clients_out(text: str) -> str | None:
    """The keyword of a keepalived.conf by which the holder drops all connections to the VIP.

    keepalived drops them with `no_accept` and in strict mode, unless VRRP version 3 has `accept`
    (tested with 2.2.7). A reload without the keyword does not remove its firewall rules.

    Returns:
        None if clients can connect.
    """
    tree = parse(text)
    defaults = Statement((), tuple(s for part in tree.all("global_defs") for s in part.block))
    found = (_keeps_out(instance, defaults) for instance in tree.all("vrrp_instance"))
    return next(filter(None, found), None)


def _keeps_out(instance: Statement, defaults: Statement) -> str | None:
    if instance.last("no_accept"):
        return "no_accept"
    version = instance.value("version") or defaults.value("vrrp_version")
    if version == "3" and instance.last("accept"):
        return None
    own = instance.value("strict_mode")
    if own is not None:
        return "strict_mode" if own in _ON else None
    return "vrrp_strict" if defaults.last("vrrp_strict") else None
