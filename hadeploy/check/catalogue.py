"""Every check: its stable id, what it proves, how, and what to do if it fails.

docs/checks.md is written from this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from hadeploy.answers.answer import PROOF, PROOF_HERE
from hadeploy.check.entry import Check
from hadeploy.errors import ExitCode, HadeployError

CHECKS = (
    Check(
        "ssh-reach",
        "SSH answers",
        "an SSH server answers at the node's address and port, through every jump host; the "
        "message names the entries of the ssh config that were used",
        "start the node or its sshd, open the firewall, correct `ssh.host` or `ssh.port`",
        essential=True,
    ),
    Check(
        "ssh-host-key",
        "host key known",
        "the server's host key is the one in known_hosts",
        "compare the fingerprint and connect once with ssh, or `--accept-new-host-keys`; a key "
        "that has changed is never accepted",
        essential=True,
    ),
    Check(
        "ssh-login",
        "login",
        "the server lets us in",
        "correct `ssh.user` and `ssh.identity_file`, or load the key into ssh-agent",
        essential=True,
    ),
    Check(
        "sudo",
        "runs as root",
        "scripts run as root there, by login or by sudo; `check` tells whether that asked for the "
        "password",
        "`--ask-sudo-password`; or allow the user `NOPASSWD: ALL`, or log in as root",
        essential=True,
    ),
    Check(
        "tools",
        "tools",
        "the programs that our scripts use are there: iproute2, bash, coreutils, util-linux; a "
        "warning without perl, which asks the segment who has the VIP",
        "install them with the node's package manager",
        essential=True,
    ),
    Check(
        "docker",
        "Docker engine",
        "the Docker engine is installed and answers; it is 20.10 or newer, and a warning where it "
        "does not start when the node boots (*thorough*)",
        "install or start it: https://docs.docker.com/engine/",
        essential=True,
    ),
    Check(
        "host-network",
        "host network",
        "the engine can give a container the host's network: it is neither rootless nor does it "
        "remap users, and it sees our folder (a snap does not)",
        "use an engine that runs as root, without `userns-remap`",
        thorough=True,
    ),
    Check(
        "disk-space",
        "disk space",
        "the engine's data folder is writable and has room for the images (*thorough*), and our "
        "folder has room for our files: bytes and inodes",
        "free some space, e.g. `docker image prune`",
    ),
    Check(
        "our-folder",
        "our folder",
        "the folder for our files is on a file system that can be written. Where nothing was "
        "applied yet, no file or dangling link is in its path, and it is neither inside another "
        "cluster's folder nor has files in it that hadeploy did not write. The containers of this "
        "cluster do not use another folder: hadeploy does not move it",
        "mount it writable, or choose another place with `paths.root`; to move a cluster, "
        "`hadeploy down` with the old `paths.root`, then `hadeploy up`",
    ),
    Check(
        "nofile",
        "open files",
        "the engine can give haproxy as many open files as `haproxy.maxconn` needs: within the "
        "kernel's limit (fs.nr_open), and within the engine's own hard limit unless it may raise "
        "it (CAP_SYS_RESOURCE)",
        "raise LimitNOFILE of docker.service, or lower `haproxy.maxconn`",
        thorough=True,
    ),
    Check(
        "interface",
        "interface",
        "the node has its address, the interface is there, is up and has a carrier",
        "correct `nodes[].address` or `nodes[].interface`; set the interface up",
        essential=True,
    ),
    Check(
        "vip-subnet",
        "VIP in subnet",
        "the VIP is in a subnet of the interface, and is not the subnet's network or broadcast "
        "address, the router's, or the node's own; its prefix is not wider than the subnet. Until "
        "it is in one, nothing is ever sent to it",
        "correct `vip`, or `nodes[].interface`; with VIPs of both address families, give each node "
        "an address of both",
    ),
    Check(
        "vip-free",
        "VIP unused",
        "only nodes of the cluster have the VIP, on the interface and with the prefix that "
        "keepalived gives it (on `lo`, `kube-ipvs0` or another interface keepalived never removes "
        "it), and no other machine of the segment answers for it. Every node sends three ARP "
        "probes or neighbour solicitations, with perl; a hardware address that answers for nodes, "
        "too (proxy ARP, as in some clouds), is left out. Without perl the kernel asks, while "
        "no node has the VIP, for one that no keepalived of this cluster on that node has. A "
        "machine that drops ARP, or is switched off, is not seen. A VIP on two nodes of the "
        "cluster is a warning",
        "as given: `ip address del …`, `hadeploy up --prune` for a forgotten node that is back, "
        "another address for another machine, or another VIP",
        thorough=True,
    ),
    Check(
        "virtual-router-id",
        "virtual_router_id unused",
        "no other machine on the segment sends VRRP adverts with `vrrp.virtual_router_id`: a "
        "failure with multicast, a warning with unicast. `check` listens, for 4 s, and only on "
        "nodes that have the keepalived image already and where our keepalived does not run, or "
        "has another virtual_router_id so far; for that `plan` listens, too, and `up` with "
        "multicast. A container of that image, with an instance that cannot become master in that "
        "time, logs whose adverts it refuses. Adverts that are rarer, unicast between others, or "
        "of IPv6 are not heard. Those that reach a node where our keepalived runs are seen there: "
        "from a machine that is no node of the cluster they are a failure",
        "choose another `vrrp.virtual_router_id`; 51 is the usual default",
    ),
    Check(
        "set-up-by-hand",
        "no cluster by hand",
        "no cluster that was set up by hand serves in our place. With `--adopt` it is a failure "
        "only where the old haproxy serves the backends on other ports than the inventory's, so "
        "that its clients would be refused",
        "`hadeploy up --adopt` takes it over; where the port differs, set "
        "`listeners: [{port: ...}]` first",
    ),
    Check(
        "conflicting-containers",
        "no conflicting container",
        "no foreign container claims the VIP, `vrrp.virtual_router_id` on the same interface or a "
        "port of this cluster: neither a running one nor one that the engine starts when the "
        "engine or the node restarts. That is one with the restart policy `always`, "
        "one with `unless-stopped` that was not stopped by hand, one with `on-failure` that ended "
        "with another status than 0 (also by `docker stop`), and one in a restart loop. What it "
        "claims is read from its haproxy.cfg or keepalived.conf and its published ports; one that "
        "has haproxy or keepalived and claims nothing is a warning, running or not. Of stopped "
        "containers, `plan` "
        "and `up` look only at those with haproxy or keepalived in their image, command or name "
        "where something was applied already. Containers that something else than the engine "
        "starts again (kubelet, Docker swarm, Nomad, ECS) are not taken over either; one of them "
        "that does not run and that the engine does not start is a warning. A stopped "
        "container that may add addresses and mounts a file with the VIP claims it. A static "
        "pod's manifest, an enabled unit of systemd that runs containers (also by a compose file), "
        "a quadlet, a crontab or rc.local that names haproxy or keepalived is a warning; a static "
        "pod that may add addresses and names the VIP, and a VIP in the network's configuration, "
        "are failures (*thorough*)",
        "`hadeploy up --adopt` stops it and sets its restart policy to `no`; where a kubelet or "
        "swarm starts it: move its manifest out of /etc/kubernetes/manifests, or remove the "
        "service",
    ),
    Check(
        "other-clusters",
        "other hadeploy clusters",
        "every other cluster of hadeploy on the node, running or not, has another VIP, another "
        "`vrrp.virtual_router_id` on the same interface, other ports and other container names. It "
        "is recognised by its record (applied.json) and by the labels of its containers; a record "
        "without containers is a warning",
        "change `vip`, `vrrp.virtual_router_id`, `listeners[].port` or `haproxy.health_port` in "
        "one of the inventories, or `hadeploy down` with the other one",
    ),
    Check(
        "container-names",
        "container names",
        "no other container has the names of this cluster's",
        "rename it, or choose other names under `containers:`",
    ),
    Check(
        "ports",
        "ports free",
        "the listeners' ports, the health port and that of the metrics are free, or our own "
        "haproxy's; else the owner is named, and for a port that the engine publishes its "
        "container. What a template makes the new haproxy.cfg bind besides is free, too, and on an "
        "address that the node has",
        "stop the owner, or choose another port",
    ),
    Check(
        "host-services",
        "no haproxy on host",
        "no haproxy or keepalived runs on the host itself, or would start when it boots",
        "`systemctl disable --now haproxy keepalived`, unless it serves something else",
    ),
    Check(
        "image",
        "images",
        "both images are on the node, or can be had: from an archive on this machine that is "
        "readable and holds the image for the node's architecture, else by a pull. `check` and "
        "`plan` ask for that, and pull nothing: the node's engine asks the registry, with the "
        "login of the inventory, whether it has the image, and for which architectures. Where "
        "curl is missing on the node it is not asked; a registry that wants another login than "
        "the inventory's is a warning",
        "`hadeploy images push`, or give `images.*.archive`, which `hadeploy images save` makes",
    ),
    Check(
        "firewall",
        "firewall",
        "no rule of the node's (iptables, nftables, and so firewalld) drops VRRP (IP protocol "
        "112) from its peers or to them, a listener's port, or what is for a VIP or from it (ARP "
        "included; a keepalived with `vrrp_strict` that is killed leaves such rules behind), and "
        "none sends connections to a listener of the VIP elsewhere (DNAT, REDIRECT). "
        "Rules that cannot be read for sure are let pass, and those of nftables for VRRP and "
        "ports are judged by their looks: that the nodes hear each other is proven when they "
        "run. Firewalls elsewhere are not seen",
        "allow protocol 112 between the nodes, and the listeners' ports; remove a rule on the "
        "VIP with the command that is told",
        thorough=True,
    ),
    Check(
        "selinux",
        "SELinux",
        "SELinux does not keep the containers from our folder: it does not enforce, the engine "
        "does not confine containers, or the folder is labelled for them",
        "`semanage fcontext` and `restorecon` as told; or look for `avc: denied`",
        thorough=True,
    ),
    Check(
        "clock",
        "clock",
        "the node's clock is within 5 s of this machine's",
        "run an NTP client there: timedatectl set-ntp true",
    ),
    Check(
        "name-resolution",
        "name resolution",
        "the node's own name is looked up within 2 s; Docker, sudo and keepalived hang where it "
        "is not",
        "put the name into /etc/hosts, or mend /etc/resolv.conf",
        thorough=True,
    ),
    Check(
        "former-nodes",
        "former nodes",
        "no node that left the inventory still takes part; one that is to be forgotten must "
        "not answer on the network or send adverts now, and one that was is named when it does",
        "`hadeploy up --prune`, or `--forget ADDRESS` if it is gone for good",
    ),
    Check(
        "api-certificate",
        "certificates",
        "every API server that answers already has a certificate that is valid now and names the "
        "VIPs as IP addresses: kubectl refuses any other; else a warning. `check` asks by a TLS "
        "handshake with each backend, from a node over its SSH connection; `verify`, `status` and "
        "`up` prove it later for the backends that are up. Where a listener gets other servers, "
        "`plan` and `up` ask, too: those that have the certificate of some other TLS service and "
        "would replace or join API servers are a failure. Other TLS services are not judged",
        "`apiServer.certSANs` in kubeadm's ClusterConfiguration, see [kubeadm](kubeadm.md); "
        "`tls-san` of k3s and RKE2",
    ),
)
IDS = tuple(check.id for check in CHECKS)
# Proofs that can be left out as a check can; the second one also of `verify` and `status`.
PROOFS = (PROOF, PROOF_HERE)


def refuse_unknown(ids: Iterable[str], *, essential: bool) -> None:
    """Refuse what cannot be skipped.

    Args:
        ids: what the user wants skipped.
        essential: whether checks may be skipped without which nothing can be planned; then there
            is no proof to skip.

    Raises:
        HadeployError: naming the checks that there are.
    """
    known = [check.id for check in CHECKS if essential or not check.essential]
    known += [] if essential else PROOFS
    for name in ids:
        if name not in known:
            what = "is essential and cannot be skipped" if name in IDS else "is not a check"
            raise HadeployError(
                f"{name} {what}; there are {', '.join(known)}",
                operation="reading --skip",
                code=ExitCode.USAGE,
            )


def documentation(checks: Collection[Check] = CHECKS) -> str:
    """docs/checks.md.

    Args:
        checks: in the order in which they are told.
    """
    rows = [
        f"| `{check.id}` | **{check.title}**{_notes(check)}: {check.proves} | {check.fix} |"
        for check in checks
    ]
    return "\n".join([_HEAD, *rows, ""])


def _notes(check: Check) -> str:
    notes = ["thorough"] * check.thorough + ["essential"] * check.essential
    return f" (*{', '.join(notes)}*)" if notes else ""


_HEAD = """\
# Checks

<!-- python -m hadeploy.check.catalogue >docs/checks.md -->

`hadeploy check` runs all checks on all nodes at once (read-only). For each check it prints whether
it passes, warns or fails, and a fix. An unreachable node does not hide the results of the others.
It exits with 3 if a check fails, otherwise with 0. `plan` and `up` run the same checks first. A
failure stops them before any change; a warning is printed once. The [glossary](glossary.md) defines
the terms.

`--skip ID` skips a check and can be repeated. It also takes the ids of two proofs:

- `vip-answers-clients` (`plan`, `up`): do not compare the answers to clients with those before the
  change, and record the new answers (see [changes](changes.md)).
- `vip-answers-here` (`plan`, `up`, `drain`, `verify`, `status`): do not connect to the VIP from
  this machine, because it is not a client.

*Essential* checks can be skipped in `check` only: without them there is nothing to plan. *Thorough*
checks take a second or two. `plan` and `up` run them only on nodes where nothing was applied yet,
and if the plan could make one of them fail: a container is recreated, an image is loaded, a port,
VIP or virtual_router_id changes, or a node is added.

| check | passes when | what to do if not |
|---|---|---|"""

if __name__ == "__main__":
    print(documentation(), end="")  # noqa: T201
