"""The files of a node that differ from this machine: names, users, keys, SSH daemon. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hadeploy.lab.addressing import Addressing

OPS_USER = "ops"
OPS_UID = 2000


@dataclass(frozen=True)
class NodeFile:
    """A file in a node.

    Args:
        content: its bytes as text.
        mode: its permissions.
        uid: owner and group.
    """

    content: str
    mode: int = 0o644
    uid: int = 0


@dataclass(frozen=True)
class MachineAccounts:
    """The account files of this machine, on which those of the nodes are based."""

    passwd: str
    shadow: str
    group: str


# Folders that are initially empty in a node: (path, mode).
EMPTY_FOLDERS = (
    ("/etc/ssh", 0o755),
    ("/etc/docker", 0o755),
    ("/root", 0o700),
    ("/root/.ssh", 0o700),
    ("/home", 0o755),
    ("/var/log", 0o755),
)
# Targets of the bind mounts of node-init.sh; a machine may lack them if dockerd never ran.
MOUNT_POINTS = (
    "/var/lib/docker",
    "/var/lib/containerd",
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/tmp",  # noqa: S108  a mount point, not a temporary file
)
# Files of Debian packages on this machine that would look like a foreign load balancer.
HIDDEN = ("/etc/haproxy", "/etc/keepalived", "/etc/hadeploy", "/.dockerenv")


def sshd_config(addressing: Addressing, node: str, *, ipv6: bool) -> str:
    """The configuration of the node's SSH daemon: only its own addresses, only keys."""
    endpoint = addressing.node(node)
    addresses = [endpoint.v4.ip] + ([endpoint.v6.ip] if ipv6 else [])
    return "".join(
        f"{line}\n"
        for line in (
            "Port 22",
            *(f"ListenAddress {address}" for address in addresses),
            "HostKey /etc/ssh/ssh_host_ed25519_key",
            "PidFile /run/sshd.pid",
            "UsePAM no",
            "UseDNS no",
            "PermitRootLogin prohibit-password",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            # The tests open many connections at once, which OpenSSH drops randomly by default.
            "MaxStartups 500:30:1000",
            "MaxSessions 200",
            "PrintMotd no",
            "AcceptEnv LANG LC_*",
            "Subsystem sftp internal-sftp",
        )
    )


def hosts(addressing: Addressing, *, ipv6: bool) -> str:
    """/etc/hosts with the names of all nodes, so that no node needs a name server."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    for node in addressing.nodes:
        endpoint = addressing.node(node)
        lines.append(f"{endpoint.v4.ip} {node}")
        if ipv6:
            lines.append(f"{endpoint.v6.ip} {node}")
    return "".join(f"{line}\n" for line in lines)


def with_ops_user(accounts: MachineAccounts) -> MachineAccounts:
    """Add a normal user, and unlock root: sshd without PAM refuses locked accounts."""

    def others(text: str) -> list[str]:
        return [line for line in text.splitlines() if not line.startswith(f"{OPS_USER}:")]

    shadow = []
    for line in others(accounts.shadow):
        fields = line.split(":")
        if fields[0] == "root":
            fields[1] = "*"
        shadow.append(":".join(fields))
    return MachineAccounts(
        passwd="".join(
            f"{line}\n"
            for line in [
                *others(accounts.passwd),
                f"{OPS_USER}:x:{OPS_UID}:{OPS_UID}::/home/{OPS_USER}:/bin/bash",
            ]
        ),
        shadow="".join(f"{line}\n" for line in [*shadow, f"{OPS_USER}:*:19000:0:99999:7:::"]),
        group="".join(
            f"{line}\n" for line in [*others(accounts.group), f"{OPS_USER}:x:{OPS_UID}:"]
        ),
    )


def node_files(
    addressing: Addressing,
    node: str,
    *,
    accounts: MachineAccounts,
    host_key: str,
    authorized_key: str,
    machine_id: str,
    ipv6: bool,
) -> dict[str, NodeFile]:
    """The initial files of a node, by path."""
    own = with_ops_user(accounts)
    keys = f"{authorized_key.strip()}\n"
    return {
        "/etc/hostname": NodeFile(f"{node}\n"),
        "/etc/hosts": NodeFile(hosts(addressing, ipv6=ipv6)),
        "/etc/machine-id": NodeFile(f"{machine_id}\n", 0o444),
        # Without a name server, resolver libraries fail at once instead of waiting.
        "/etc/resolv.conf": NodeFile(""),
        "/etc/nsswitch.conf": NodeFile(
            "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"
        ),
        "/etc/passwd": NodeFile(own.passwd),
        "/etc/shadow": NodeFile(own.shadow, 0o600),
        "/etc/group": NodeFile(own.group),
        "/etc/sudoers.d/lab-ops": NodeFile(f"{OPS_USER} ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440),
        "/etc/ssh/sshd_config": NodeFile(sshd_config(addressing, node, ipv6=ipv6)),
        "/etc/ssh/ssh_host_ed25519_key": NodeFile(host_key, 0o600),
        "/root/.ssh/authorized_keys": NodeFile(keys, 0o600),
        f"/home/{OPS_USER}/.ssh/authorized_keys": NodeFile(keys, 0o600, OPS_UID),
    }
