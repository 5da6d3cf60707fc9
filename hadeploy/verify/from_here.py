"""What a client on this machine is answered through the VIPs."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from hadeploy.answers.answer import PROOF_HERE, Answer
from hadeploy.answers.ask import ANSWER_SECONDS, CONNECT_SECONDS, SILENT_SECONDS, ask
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.observe.subnets import IPNetwork, networks_around, not_to_be_asked
from hadeploy.remote.fanout import MOST_AT_ONCE
from hadeploy.verify.answers import Supplied, supplied, target_of
from hadeploy.verify.proof import Proof

NO_ROUTE = "fine if it has no route to the VIP"
REFUSED = (
    "does a firewall on the way reject this machine? does another machine have this address in the "
    "network that this one is in?"
)
DROPPED = "this machine is in the VIP's network: does a firewall on the nodes drop its packets?"
# Where no answer may be right, and is only a warning.
AWAY_SECONDS = 1.0
# No answer to a SYN, or none to ARP and neighbour discovery.
_NO_ANSWER = (errno.ETIMEDOUT, errno.EHOSTUNREACH)
OTHERWISE = "do the backends answer others? `hadeploy verify` says what the nodes are answered"
MOST_TRIES = 3
CLOSED = (
    "does a rule in `templates` or a firewall on the way reject this machine? if it is not to be "
    f"served: --skip {PROOF_HERE}"
)


def from_here(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """What the VIPs answer on this machine.

    No answer is only a warning where this machine is in another network than the VIP: it may have
    no route. On the VIP's own network it is a failure, and a connection that is refused or closed
    is one anywhere; unless the nodes are reached over other hosts or addresses.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    refused = not_to_be_asked(cluster, observed)
    found: list[Proof | Callable[[], Proof]] = []
    for vip in cluster.vip:
        if str(vip.ip) in refused:
            # It would be the address of something else, which gets no packet from us.
            seen = f"{vip.ip} was not tried from this machine: {refused[str(vip.ip)]}"
            found.append(Proof(PROOF_HERE, "warn", seen, hint="correct `vip`"))
            continue
        near = on_link(str(vip.ip), networks_around(vip, cluster, observed))
        for listener in cluster.listeners:
            behind = supplied(cluster, observed, str(vip.ip), listener)
            target = target_of(vip, listener)
            found.append(partial(asked, str(vip.ip), listener.port, target, behind, near=near))
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        proofs = list(pool.map(lambda one: one if isinstance(one, Proof) else one(), found))
    if elsewhere(cluster):
        proofs = [replace(p, verdict="warn") if p.verdict == "fail" else p for p in proofs]
    return proofs


def elsewhere(cluster: Cluster) -> bool:
    """Whether this machine may be in another network, where others have these addresses."""
    nodes = any(node.ssh.jump or node.ssh.host for node in cluster.nodes)
    return bool(cluster.ssh.jump) or nodes


def on_link(vip: str, networks: Collection[IPNetwork]) -> bool:
    """Whether this machine uses an address of the VIP's own network to reach it.

    Args:
        vip: the address.
        networks: that it is in.
    """
    family = socket.AF_INET6 if ":" in vip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as chosen:
        try:
            # Sends nothing: the kernel only chooses the route (udp(7)).
            chosen.connect((vip, 9))
        except OSError:
            return False
        local = ipaddress.ip_address(chosen.getsockname()[0].partition("%")[0])
    return any(local in network for network in networks)


def asked(vip: str, port: int, target: str, behind: Supplied, *, near: bool = False) -> Proof:
    """What an address answers on this machine.

    Args:
        vip: the address.
        port: TCP.
        target: both for people.
        behind: what stands behind them.
        near: whether this machine is in the VIP's network.
    """
    silent = behind.before == {Answer("silent")}
    seconds = SILENT_SECONDS if silent else ANSWER_SECONDS
    try:
        # One server may have died, which haproxy does not know yet.
        for _ in range(MOST_TRIES):
            answer = ask(vip, port, seconds, CONNECT_SECONDS if near else AWAY_SECONDS)
            if not _unanswered(behind, answer):
                break
    except OSError as error:
        reason = error.strerror or str(error)
        seen = f"{target} cannot be reached from this machine ({reason})"
        if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET) and behind.up:
            return Proof(PROOF_HERE, "fail", seen, hint=REFUSED)
        unanswered = isinstance(error, TimeoutError) or error.errno in _NO_ANSWER
        if near and unanswered and behind.up:
            return Proof(PROOF_HERE, "fail", seen, hint=behind.full or DROPPED)
        return Proof(PROOF_HERE, "warn", seen, hint=NO_ROUTE)
    if problem := _unanswered(behind, answer):
        seen = f"{target}, asked from this machine, {problem}"
        hint = CLOSED if answer.closed else OTHERWISE
        return Proof(PROOF_HERE, "fail", seen, hint=behind.full or hint)
    return Proof(PROOF_HERE, "pass", f"{target} {answer.now}, asked from this machine")


def _unanswered(behind: Supplied, answer: Answer) -> str | None:
    """Why a client has no answer; another one than before is judged by what the nodes get."""
    none = answer.closed or answer == Answer("silent")
    return behind.problem(answer) if none else None
