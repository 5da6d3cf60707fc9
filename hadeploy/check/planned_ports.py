"""Check of the ports that templates add to haproxy.cfg. Pure.

Without it, haproxy would fail at its start.
"""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.check.finding import CheckContext, Finding
from hadeploy.check.ports import PORTS, UNKNOWN_OWNER, stranger
from hadeploy.desired import layout
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.desired.rendered_binds import EVERY, RenderedBind, has_templates, rendered_binds
from hadeploy.inventory.cluster import Node, backends_of
from hadeploy.observe.haproxy_sockets import wildcards
from hadeploy.observe.observed_node import ObservedNode, Socket
from hadeploy.plan.binds import Bind

_MAX_FINDINGS = 5


def planned_ports(
    context: CheckContext, node: Node, state: ObservedNode, desired: DesiredNode
) -> Iterator[Finding]:
    """Ports of the rendered haproxy.cfg that haproxy cannot bind on a node."""
    wanted, there = desired.file(layout.HAPROXY_CFG), state.file(layout.HAPROXY_CFG)
    if not has_templates(context.cluster) or "ss" in state.missing:
        return
    if there is not None and there.sha256 == wanted.sha256:
        return
    known = set(context.cluster.haproxy_ports)
    every = wildcards(context.cluster)
    binds = [bind for bind in rendered_binds(wanted.content) if not _known(bind, known, every)]
    problems = [p for bind in binds for p in _problems(context, node, state, bind)]
    for message, fix in list(dict.fromkeys(problems))[:_MAX_FINDINGS]:
        yield Finding(PORTS.id, node.label, "fail", message, fix)


def _known(bind: RenderedBind, ports: set[int], every: frozenset[str]) -> bool:
    """Whether the check of the inventory's ports covers it."""
    return len(bind.at.ports) == 1 and bind.lowest in ports and bind.at.host in every


def _problems(
    context: CheckContext, node: Node, state: ObservedNode, bind: RenderedBind
) -> Iterator[tuple[str, str]]:
    what = f"`{bind.line}` of the new haproxy.cfg cannot be bound"
    fix = "choose another port in your template (templates.folder, templates.extra)"
    for socket in state.sockets:
        owner = stranger(context, node, state, socket) if _meets(bind, socket) else None
        if owner is not None:
            named = owner or UNKNOWN_OWNER
            yield f"{what}: port {socket.port} is taken by {named}", fix
    for listener in context.cluster.listeners:
        for _, address, port in backends_of(context.cluster, listener):
            own = address == node.address and not any(s.port == port for s in state.sockets)
            one = Bind(bind.at.host, port)
            if own and port in bind.at.ports and one.covers(str(address)):
                yield f"{what}: port {port} is that of a backend on this node", fix
    yield from _addressless(context, state, bind, what)


def _addressless(
    context: CheckContext, state: ObservedNode, bind: RenderedBind, what: str
) -> Iterator[tuple[str, str]]:
    """An address that the node does not have, unless the kernel allows it (ip_nonlocal_bind)."""
    address = bind.at.address
    anywhere = bind.transparent or state.host.nonlocal_bind
    if address is None or address.is_unspecified or not bind.at.ports or anywhere:
        return
    fix = "bind every address (`bind *:PORT`), or add `transparent` to that line"
    if address in [vip.ip for vip in context.cluster.vip]:
        yield f"{what} on a node that does not hold the VIP", fix
    elif not (address.is_loopback or state.holds(str(address))):
        yield f"{what}: the node does not have the address {address}", fix


def _meets(bind: RenderedBind, socket: Socket) -> bool:
    """Whether the socket prevents that bind."""
    if socket.port not in bind.at.ports:
        return False
    address = socket.address.partition("%")[0].strip("[]")
    six = ":" in address
    if address == "*":
        return True
    if bind.at.host in EVERY or address in ("0.0.0.0", "::"):  # noqa: S104
        return six is (":" in bind.at.host)
    return address == bind.at.host
