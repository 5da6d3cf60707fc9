"""Connections from this machine to the VIPs."""

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
from hadeploy.observe.subnets import IPNetwork, networks_around, unsafe_to_probe
from hadeploy.remote.fanout import MAX_THREADS
from hadeploy.verify.answers import Supplied, supplied, target_of
from hadeploy.verify.proof import Proof

NO_ROUTE = "expected if this machine has no route to the VIP"
REFUSED = (
    "check whether a firewall rejects this machine, and whether another machine in the network of "
    "this one has the same address"
)
DROPPED = (
    "this machine is in the network of the VIP; check whether a firewall on the nodes drops its "
    "packets"
)
# From another network, where a missing answer is only a warning.
AWAY_SECONDS = 1.0
# No answer to a SYN, or none to ARP and neighbour discovery.
_NO_ANSWER = (errno.ETIMEDOUT, errno.EHOSTUNREACH)
OTHERWISE = "run `hadeploy verify` to compare with the answers to the nodes"
MOST_TRIES = 3
CLOSED = (
    "check whether a rule in `templates` or a firewall rejects this machine; if that is intended: "
    f"--skip {PROOF_HERE}"
)


def from_here(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """A proof for each VIP and listener, from connections of this machine.

    A missing answer is a failure in the network of the VIP, and a warning in other networks, which
    may lack a route. A refused or closed connection is always a failure, unless hadeploy reaches
    the nodes through jump hosts or other addresses.

    Args:
        observed: by node label.
    """
    refused = unsafe_to_probe(cluster, observed)
    found: list[Proof | Callable[[], Proof]] = []
    for vip in cluster.vip:
        if str(vip.ip) in refused:
            # The address may belong to another host, so send no packets to it.
            message = f"{vip.ip} was not tried from this machine: {refused[str(vip.ip)]}"
            found.append(Proof(PROOF_HERE, "warn", message, hint="correct `vip`"))
            continue
        near = on_link(str(vip.ip), networks_around(vip, cluster, observed))
        for listener in cluster.listeners:
            behind = supplied(cluster, observed, str(vip.ip), listener)
            target = target_of(vip, listener)
            found.append(partial(asked, str(vip.ip), listener.port, target, behind, near=near))
    with ThreadPoolExecutor(MAX_THREADS) as pool:
        proofs = list(pool.map(lambda item: item if isinstance(item, Proof) else item(), found))
    if elsewhere(cluster):
        proofs = [replace(p, verdict="warn") if p.verdict == "fail" else p for p in proofs]
    return proofs


def elsewhere(cluster: Cluster) -> bool:
    """Whether this machine may be in another network, where other hosts have these addresses."""
    nodes = any(node.ssh.jump or node.ssh.host for node in cluster.nodes)
    return bool(cluster.ssh.jump) or nodes


def on_link(vip: str, networks: Collection[IPNetwork]) -> bool:
    """Whether this machine reaches the VIP from an address in the same network.

    Args:
        networks: the networks that contain it.
    """
    family = socket.AF_INET6 if ":" in vip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as chosen:
        try:
            # connect(2) of a UDP socket sends nothing and only selects the route (udp(7)).
            chosen.connect((vip, 9))
        except OSError:
            return False
        local = ipaddress.ip_address(chosen.getsockname()[0].partition("%")[0])
    return any(local in network for network in networks)


def asked(vip: str, port: int, target: str, behind: Supplied, *, near: bool = False) -> Proof:
    """The proof of a connection from this machine.

    Args:
        port: TCP.
        target: both in the notation of a URL.
        behind: their backends.
        near: whether this machine is in the network of the VIP.
    """
    silent = behind.before == {Answer("silent")}
    seconds = SILENT_SECONDS if silent else ANSWER_SECONDS
    try:
        # A server may have failed without haproxy having detected it yet.
        for _ in range(MOST_TRIES):
            answer = ask(vip, port, seconds, CONNECT_SECONDS if near else AWAY_SECONDS)
            if not _unanswered(behind, answer):
                break
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"{target} cannot be reached from this machine ({reason})"
        if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET) and behind.up:
            return Proof(PROOF_HERE, "fail", message, hint=REFUSED)
        unanswered = isinstance(error, TimeoutError) or error.errno in _NO_ANSWER
        if near and unanswered and behind.up:
            return Proof(PROOF_HERE, "fail", message, hint=behind.full or DROPPED)
        return Proof(PROOF_HERE, "warn", message, hint=NO_ROUTE)
    if problem := _unanswered(behind, answer):
        message = f"from this machine, {target} {problem}"
        hint = CLOSED if answer.closed else OTHERWISE
        return Proof(PROOF_HERE, "fail", message, hint=behind.full or hint)
    return Proof(PROOF_HERE, "pass", f"from this machine, {target} {answer.now}")


def _unanswered(behind: Supplied, answer: Answer) -> str | None:
    """Why a client gets no answer; changed answers are covered by the proofs from the nodes."""
    none = answer.closed or answer == Answer("silent")
    return behind.problem(answer) if none else None
