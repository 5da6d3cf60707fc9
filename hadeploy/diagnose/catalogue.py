"""Every cause that is recognised: its stable id, the evidence, and what to do.

The order is the one in which they are told: what explains most comes first. docs/diagnosis.md is
written from this.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """One cause.

    Attributes:
        id: stable; `--json` uses it.
        title: what is the matter.
        evidence: what it is recognised by.
        fix: what to do.
        explains: ids of causes that follow from it on the same node, and so are not told.
    """

    id: str
    title: str
    evidence: str
    fix: str
    explains: tuple[str, ...] = ()


_SILENT_HAPROXY = ("check-fails", "vip-unheard")
_STOPPED = (*_SILENT_HAPROXY, "program-silent", "check-not-run", "not-applied")

CAUSES = (
    Cause(
        "docker-down",
        "the Docker engine does not answer",
        "`docker version` fails on the node",
        "start the engine",
        _STOPPED,
    ),
    Cause(
        "interface-down",
        "the interface for the VIP is down",
        "its flags: not UP, or no carrier (LOWER_UP)",
        "`ip link set … up`, or the cable",
        ("check-fails", "vip-unheard"),
    ),
    Cause(
        "port-taken",
        "another program has one of our ports",
        "the owner of the listening socket is not our haproxy",
        "stop it, or choose another port",
        ("container-restarting", "container-stopped", "config-refused", *_STOPPED),
    ),
    Cause(
        "config-refused",
        "haproxy or keepalived refuses its configuration",
        "what it says about the file's lines in its log, at a start or at the last reload",
        "`hadeploy plan` shows what was changed by hand, `hadeploy up` puts it right",
        ("container-restarting", "container-stopped", *_STOPPED),
    ),
    Cause(
        "container-restarting",
        "a container ends again and again",
        "the engine's restart count, the exit status (and whether memory ran out), its last lines",
        "what its log says",
        _STOPPED,
    ),
    Cause(
        "program-silent",
        "a program runs and does not answer",
        "the container is paused; a process of it is stopped (SIGSTOP); or it is up and neither "
        "haproxy's health port nor keepalived's dump answers",
        "unpause or restart the container",
        ("check-not-run", *_SILENT_HAPROXY),
    ),
    Cause(
        "orphaned-vip",
        "a keepalived was killed and left the VIP behind",
        "the address is on the node, and no keepalived runs there, in a container or on the host",
        "`hadeploy up` starts keepalived, which takes the address away",
        ("container-stopped", "container-missing", "vip-unheard"),
    ),
    Cause(
        "container-missing",
        "a container is not there",
        "no container of that name",
        "`hadeploy up`",
        _STOPPED,
    ),
    Cause(
        "container-stopped",
        "a container is stopped",
        "its state, exit status and time of its end; its last lines, unless it was ended from "
        "outside",
        "`hadeploy up` starts it",
        _STOPPED,
    ),
    Cause(
        "foreign-keepalived",
        "another keepalived on a node claims the VIP or the virtual_router_id",
        "a process of that name that is in none of our containers, and its keepalived.conf, or the "
        "record of the hadeploy cluster that it belongs to; also where its configuration is not "
        "known",
        "`hadeploy up --adopt` stops one that was set up by hand; of two clusters of hadeploy, "
        "change one",
        ("stray-vip",),
    ),
    Cause(
        "forgotten-node-back",
        "a node that was forgotten (`up --forget`) is back and holds the VIP beside the cluster",
        "its answers to ARP or IPv6 neighbour discovery for the VIP, or its adverts, as the nodes "
        "see them; the applied record names it",
        "`hadeploy up --prune`, or stop its keepalived",
    ),
    Cause(
        "vip-stranger",
        "a machine that is no node of the cluster has the VIP, too",
        "answers to ARP or IPv6 neighbour discovery for the VIP from a hardware address that no "
        "node has",
        "give that machine another address, or choose another VIP",
    ),
    Cause(
        "misplaced-vip",
        "the VIP is also on another interface of a node, or there with another prefix",
        "the node's addresses; keepalived neither puts nor removes it there",
        "`ip address del …` as given, and take it out of the network configuration; for kube-ipvs0 "
        "give the Service another address",
    ),
    Cause(
        "vrrp-settings-differ",
        "the running keepaliveds differ in a setting on which all must agree",
        "virtual_router_id, VRRP version, advert interval, kind of authentication, unicast or "
        "multicast and VIP list as each keepalived's own dump tells them",
        "`hadeploy up` makes them alike",
        ("vrrp-password-differs", "vrrp-peers", "vrrp-refused", "vrrp-blocked", "not-applied"),
    ),
    Cause(
        "vrrp-password-differs",
        "the nodes use different VRRP passwords",
        "keepalived's count of authentication failures grows; the odd one by comparing the files, "
        "without showing them",
        "`hadeploy up` makes them alike",
        ("vrrp-refused", "vrrp-blocked", "not-applied"),
    ),
    Cause(
        "vrrp-peers",
        "a node sends its adverts past another one",
        "the unicast_peer list of its running keepalived",
        "`hadeploy up` makes them alike",
        ("vrrp-refused", "vrrp-blocked", "not-applied"),
    ),
    Cause(
        "vrrp-refused",
        "a node refuses the adverts of its peers",
        "keepalived's count of packet and authentication errors grows; which one",
        "look for a router between the nodes (TTL), or at keepalived's log",
        ("vrrp-blocked",),
    ),
    Cause(
        "vrrp-blocked",
        "VRRP (IP protocol 112) does not get through between nodes",
        "several are MASTER with settings that agree, and in a few seconds hear fewer adverts than "
        "the others sent; the iptables rule that surely does it, or the nftables chain that looks "
        "like it, where there is one",
        "allow protocol 112 in firewalls and in the network",
    ),
    Cause(
        "stray-vip",
        "the VIP is on a node whose keepalived is not its master",
        "the address is there, and keepalived says BACKUP or FAULT",
        "restart that keepalived, which takes it away",
    ),
    Cause(
        "drained",
        "the VIP is kept off every node",
        "no node has the VIP, and the track file of a drain is not 0",
        "`hadeploy undrain NODE`; `hadeploy up` where a run has died",
    ),
    Cause(
        "vrrp-stranger",
        "the nodes are backups of a stranger",
        "no node has the VIP, and the master that a backup names is none of the cluster",
        "choose another vrrp.virtual_router_id, or a password",
    ),
    Cause(
        "check-not-run",
        "keepalived does not run its check of haproxy",
        "the age of the file that the check touches; what keepalived says of the script",
        "mend the rights of the script and its folder",
    ),
    Cause(
        "check-fails",
        "keepalived is in FAULT for no other reason",
        "its state, its number of faults, and whether haproxy answers",
        "run the check by hand",
    ),
    Cause(
        "not-applied",
        "a program runs another configuration than the inventory's",
        "the id that the running program names; whether its file was changed since it was applied",
        "`hadeploy up`",
    ),
    Cause(
        "port-dropped",
        "the holder's firewall keeps connections out",
        "the VIP is bound once, other nodes cannot connect, and a rule of iptables surely drops "
        "the port, or one of iptables or nftables what is for the VIP or from it, ARP included",
        "allow the port; remove the rule, with the command that is told",
        ("vip-unheard",),
    ),
    Cause(
        "backends-full",
        "all backends of a listener have as many connections as their `maxconn`",
        "haproxy's statistics (`scur` and `slim` of each server that is up, `qcur` of it and of "
        "the backend)",
        "raise `maxconn` of the servers in `templates`, or add API servers; look for "
        "clients that leave connections open",
        ("listener-full", "vip-unheard"),
    ),
    Cause(
        "listener-full",
        "a listener has as many connections as it may",
        "haproxy's statistics (`scur` and `slim` of the frontend); how many connections wait in "
        "the kernel's queue of the port",
        "raise `maxconn` of the listener or `haproxy.maxconn`; look for clients that leave "
        "connections open",
        ("vip-unheard",),
    ),
    Cause(
        "vip-unheard",
        "the VIP answers on its holder and not from another node",
        "connections from each node to the VIP",
        "look at ARP, at the cloud's rules for addresses, at firewalls on the way",
    ),
    Cause(
        "node-unreachable",
        "a node cannot be reached over SSH",
        "the connection's error; whether its peers still hear its adverts",
        "`hadeploy check`",
    ),
    Cause(
        "backends-down",
        "backends are down",
        "how the check of each of them ended in each haproxy's statistics, with the HTTP status "
        "that it got: 401 and 403 are answers of a server that is up and refuses requests without "
        "credentials, 404 is a wrong path, 5xx is a server that is not ready",
        "start the servers; look for firewalls; correct `listeners[].check` (see "
        "[kubeadm](kubeadm.md))",
    ),
)
IDS = tuple(cause.id for cause in CAUSES)


def documentation(causes: Collection[Cause] = CAUSES) -> str:
    """docs/diagnosis.md.

    Args:
        causes: in the order in which they are told.
    """
    rows = [f"| `{c.id}` | {c.title} | {c.evidence} | {c.fix} |" for c in causes]
    return "\n".join([_HEAD, *rows, ""])


_HEAD = """\
# Diagnosis

<!-- python -m hadeploy.diagnose.catalogue >docs/diagnosis.md -->

When a proof fails, `verify` prints a diagnosis. So do `up`, `drain` and `undrain` if their result
cannot be proven. For each cause it contains the nodes, one sentence, the evidence and the fix.
`--json` has the same as `diagnosis`. The [glossary](glossary.md) defines the terms.

The diagnosis uses the observation of the proofs and a second, read-only observation, which takes a
few seconds and runs only after a failure. It collects the statistics of keepalived twice (in
between, keepalived must send and receive adverts), the last lines of the logs of both containers,
stopped processes, iptables and nftables. A consequence of another cause on the same node is not
reported. If no cause is recognised, there are only the failed proofs. Backends that are down fail
no proof; `verify` explains them, and so does the diagnosis of another failure.

If the diagnosis does not help, run `hadeploy support`. It writes one archive for a bug report,
which you can read before you send it. For every reachable node, it contains the configurations
without secrets, the applied record, hadeploy's containers, the end of both logs, the dump and the
statistics of keepalived, addresses, routes, sockets, firewall rules, versions and the lock. It also
contains the inventory, the checks, the proofs and the diagnosis.

The most probable cause comes first:

| cause | problem | evidence | fix |
|---|---|---|---|"""

if __name__ == "__main__":
    print(documentation(), end="")  # noqa: T201
