"""What a client on this machine is answered through the VIPs."""

from __future__ import annotations

import dataclasses
import errno
from collections.abc import Mapping

from hadeploy.answers.answer import Answer
from hadeploy.answers.ask import ANSWER_SECONDS, SILENT_SECONDS, ask
from hadeploy.check.network import not_to_be_asked
from hadeploy.inventory.model import Cluster
from hadeploy.observe.model import ObservedNode
from hadeploy.verify.answers import Supplied, supplied, target_of
from hadeploy.verify.model import Proof

PROOF = "vip-answers-here"
NO_ROUTE = "fine if it has no route to the VIP"
REFUSED = (
    "does a firewall on the way reject this machine? does another machine have this address in the "
    "network that this one is in?"
)
CLOSED = "does a rule in `templates` or a firewall on the way reject this machine?"


def from_here(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """What the VIPs answer on this machine.

    No way to a VIP is only a warning: this machine may be in another network. A connection that is
    refused or closed is not, as there is a way; unless the nodes are reached over others, too.

    Args:
        cluster: the inventory.
        observed: by node label.
    """
    refused = not_to_be_asked(cluster, observed)
    found = []
    for vip in cluster.vip:
        if str(vip.ip) in refused:
            # It would be the address of something else, which gets no packet from us.
            seen = f"{vip.ip} was not tried from this machine: {refused[str(vip.ip)]}"
            found.append(Proof(PROOF, "warn", seen, hint="correct `vip`"))
            continue
        for listener in cluster.listeners:
            behind = supplied(cluster, observed, str(vip.ip), listener)
            proof = asked(str(vip.ip), listener.port, target_of(vip, listener), behind)
            if proof.verdict == "fail" and _elsewhere(cluster):
                proof = dataclasses.replace(proof, verdict="warn")
            found.append(proof)
    return found


def _elsewhere(cluster: Cluster) -> bool:
    """Whether this machine may be in another network, where others have these addresses."""
    nodes = any(node.ssh.jump or node.ssh.host for node in cluster.nodes)
    return bool(cluster.ssh.jump) or nodes


def asked(vip: str, port: int, target: str, behind: Supplied) -> Proof:
    """What an address answers on this machine.

    Args:
        vip: the address.
        port: TCP.
        target: both for people.
        behind: what stands behind them.
    """
    try:
        silent = behind.before == {Answer("silent")}
        answer = ask(vip, port, SILENT_SECONDS if silent else ANSWER_SECONDS)
    except OSError as error:
        reason = error.strerror or str(error)
        seen = f"{target} cannot be reached from this machine ({reason})"
        if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET) and behind.up:
            return Proof(PROOF, "fail", seen, hint=REFUSED)
        return Proof(PROOF, "warn", seen, hint=NO_ROUTE)
    if answer.closed and behind.up:
        seen = f"{target}, asked from this machine, {behind.problem(answer)}"
        return Proof(PROOF, "fail", seen, hint=CLOSED)
    return Proof(PROOF, "pass", f"{target} {answer.now}, asked from this machine")
