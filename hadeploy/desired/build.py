"""The desired state of each node, from the inventory. Pure: same inputs, same bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import jinja2
from pydantic import SecretStr

from hadeploy.desired import layout
from hadeploy.desired.accept_mode import keeps_clients_out
from hadeploy.desired.check_script import check_script
from hadeploy.desired.containers import haproxy_container, keepalived_container
from hadeploy.desired.desired_node import DesiredNode, File, NodeFacts
from hadeploy.desired.rendered_binds import binds_privileged, has_templates
from hadeploy.desired.roles import Role
from hadeploy.desired.templates import render
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.inventory.cluster import Cluster, IPAddress, Listener, Node, backends_of
from hadeploy.inventory.fields import NODE
from hadeploy.inventory.priorities import check_weight, priorities


def desired_nodes(
    cluster: Cluster,
    facts: Mapping[str, NodeFacts],
    jinja: jinja2.Environment,
    password: SecretStr | None,
    members: Sequence[str] = (),
    forgotten: Collection[str] = (),
) -> dict[str, DesiredNode]:
    """The desired state of every node with known facts, by label.

    Args:
        facts: by node label.
        jinja: from `templates.environment`.
        password: the VRRP password, resolved.
        members: the addresses of all nodes; empty: those of the inventory.
        forgotten: addresses of former nodes that were not stopped. They stay peers, so that a node
            that is back receives the holder's adverts and does not take the VIP.
    """
    nodes = [node for node in cluster.nodes if node.label in facts]
    if not nodes:
        return {}
    # Equal files are rendered once: a hundred nodes would need ten thousand server lines.
    priority = priorities(cluster)
    check = check_script(cluster, jinja)
    members = tuple(members) or tuple(str(peer.address) for peer in cluster.nodes)
    absent = tuple(sorted(set(forgotten) - set(members)))
    configurations: dict[str, File] = {}
    for node in nodes:
        bind = _metrics_bind(cluster, node)
        if bind not in configurations:
            configurations[bind] = haproxy_cfg(cluster, node, jinja)
    texts = [file.content for file in configurations.values()] if has_templates(cluster) else []
    privileged = any(binds_privileged(text) for text in texts)
    containers = (
        haproxy_container(cluster, privileged=privileged),
        keepalived_container(cluster),
    )
    desired = {}
    for node in nodes:
        own, rank = facts[node.label], priority[node.label]
        keepalived = keepalived_conf(cluster, node, own, rank, jinja, password, (*members, *absent))
        desired[node.label] = DesiredNode(
            node=node.label,
            root=cluster.root,
            facts=own,
            files=(configurations[_metrics_bind(cluster, node)], check, keepalived),
            containers=containers,
            vips=tuple(str(vip) for vip in cluster.vip),
            priority=rank,
            members=members,
            forgotten=absent,
        )
    return desired


def haproxy_cfg(cluster: Cluster, node: Node, jinja: jinja2.Environment) -> File:
    """haproxy.cfg of one node, with its own id, which proves a reload.

    It is the same on every node, unless the metrics use the address of the node.
    """
    metrics = _metrics(cluster, node)
    reserved = layout.HEALTH_MAXCONN
    vips = (*cluster.advertised_vips, *cluster.excluded_vips)
    binds = ["*" if family == 4 else "[::]" for family in dict.fromkeys(v.version for v in vips)]

    def text(config_id: str) -> str:
        return render(
            jinja,
            "haproxy.cfg",
            cluster=cluster,
            haproxy=cluster.haproxy,
            extra=cluster.templates.extra,
            listeners=[_listener(cluster, listener) for listener in cluster.listeners],
            bind=binds[0],
            binds=binds,
            global_maxconn=cluster.haproxy.maxconn + reserved,
            health_maxconn=reserved - layout.ROOT_MAXCONN - (metrics["maxconn"] if metrics else 0),
            root_maxconn=layout.ROOT_MAXCONN,
            root_socket=layout.ROOT_SOCKET,
            idle_seconds=layout.IDLE_SECONDS,
            metrics=metrics,
            server_state=f"{layout.IN_HAPROXY}/{layout.SERVER_STATE.rpartition('/')[2]}",
            config_id=config_id,
        )

    return _with_id(layout.HAPROXY_CFG, "haproxy", text, "the frontend hadeploy-health", 0o644)


def _with_id(path: str, role: Role, text: Callable[[str], str], place: str, mode: int) -> File:
    """A file that contains its own hash, so that the running program shows which file it loaded.

    Raises:
        HadeployError: the user's template lacks the place for the hash.
    """
    config_id = hashlib.sha256(text("").encode()).hexdigest()[:16]
    content = text(config_id)
    if config_id not in content:
        raise HadeployError(
            f"{place} is missing; hadeploy needs it to prove which configuration runs",
            operation=f"rendering your template {path.rpartition('/')[2]}.j2",
            hint="copy it from the template that hadeploy ships",
            code=ExitCode.USAGE,
        )
    return File(path, content, mode, role, config_id)


def _metrics_bind(cluster: Cluster, node: Node) -> str:
    metrics = _metrics(cluster, node)
    return str(metrics["bind"]) if metrics else ""


def _metrics(cluster: Cluster, node: Node) -> dict[str, Any] | None:
    metrics = cluster.haproxy.metrics
    if metrics is None:
        return None
    given = str(node.address) if metrics.address == NODE else metrics.address
    address = _bracketed(ipaddress.ip_address(given))
    return {"bind": f"{address}:{metrics.port}", "maxconn": layout.METRICS_MAXCONN}


def _listener(cluster: Cluster, listener: Listener) -> dict[str, Any]:
    return {
        "name": listener.name,
        "port": listener.port,
        "maxconn": listener.maxconn or _share(cluster),
        "balance": listener.balance,
        "timeouts": listener.timeouts,
        "check": listener.check,
        "servers": [
            {"name": name, "address": _bracketed(address), "port": port}
            for name, address, port in backends_of(cluster, listener)
        ],
    }


def _plain(password: SecretStr | None) -> str | None:
    return password.get_secret_value() if password else None


def _slow_hash(cluster: Cluster, password: SecretStr | None) -> str:
    salt = f"hadeploy {cluster.name} {cluster.vip[0].ip}".encode()
    secret = (_plain(password) or "").encode()
    return hashlib.scrypt(secret, salt=salt, n=2**14, r=8, p=1).hex()


def _share(cluster: Cluster) -> int:
    """The default maxconn of a listener; the sum of all listeners stays below the global limit."""
    given = [listener.maxconn for listener in cluster.listeners]
    return (cluster.haproxy.maxconn - sum(m for m in given if m)) // given.count(None)


def _bracketed(address: IPAddress) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


def keepalived_conf(
    cluster: Cluster,
    node: Node,
    facts: NodeFacts,
    priority: int,
    jinja: jinja2.Environment,
    password: SecretStr | None,
    taking_part: Sequence[str],
) -> File:
    """keepalived.conf of one node (keepalived.conf(5)).

    Args:
        node: the node.
        facts: the facts of the node.
        priority: the priority of the node.
        jinja: from `templates.environment`.
        password: the VRRP password, resolved.
        taking_part: the addresses of all nodes that send adverts, or may do so.

    Raises:
        HadeployError: the user's template would reject clients.
    """
    vrrp = cluster.vrrp

    def text(config_id: str) -> str:
        # Logs contain the id. A plain hash of the file would allow guessing a short password.
        shown = config_id == "" and password is not None
        return render(
            jinja,
            "keepalived.conf",
            cluster=cluster,
            node=node,
            vrrp=vrrp,
            interface=facts.interface,
            priority=priority,
            weight=check_weight(cluster) if vrrp.on_check_failure == "weight" else None,
            peers=[address for address in taking_part if address != str(node.address)],
            vips=cluster.advertised_vips,
            excluded_vips=cluster.excluded_vips,
            password=_slow_hash(cluster, password) if shown else _plain(password),
            instance=layout.INSTANCE,
            check_script=f"{layout.IN_KEEPALIVED}/{layout.CHECK_SCRIPT.rpartition('/')[2]}",
            drains=[{"name": name, "path": f"{layout.IN_TRACK}/{name}"} for name in layout.DRAINS],
            config_id=config_id,
        )

    mode = 0o600 if password else 0o644
    file = _with_id(layout.KEEPALIVED_CONF, "keepalived", text, "config_id in router_id", mode)
    keyword = keeps_clients_out(file.content) if cluster.templates.folder else None
    if keyword:
        raise HadeployError(
            f"with {keyword} the holder drops all connections to the VIP",
            operation="rendering your template keepalived.conf.j2",
            hint=f"remove {keyword}; or, with vrrp.version 3, add `accept` to its vrrp_instance"
            if keyword != "no_accept"
            else "remove no_accept",
            code=ExitCode.USAGE,
        )
    return dataclasses.replace(file, secret=password is not None)
