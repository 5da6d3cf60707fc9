"""The lab's SSH key, host keys and client configuration."""

from __future__ import annotations

import shutil
from pathlib import Path

from hadeploy.lab.addressing import Addressing
from hadeploy.lab.state import StateFolder, write_atomically
from hadeploy.lab.tools import run_tool


def ensure_key(path: Path, comment: str) -> str:
    """Create an ed25519 key pair unless it exists.

    Args:
        path: of the private key; the public key has the suffix .pub.
        comment: of the key.

    Returns:
        The line of the public key.

    Raises:
        HadeployError: ssh-keygen failed.
    """
    public = path.with_name(f"{path.name}.pub")
    if not (path.exists() and public.exists()):
        # First under another name, so that a killed run does not leave an incomplete pair.
        draft = path.with_name(f".{path.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        run_tool(
            (
                "ssh-keygen",
                "-q",
                "-t",
                "ed25519",
                "-N",
                "",
                "-C",
                comment,
                "-f",
                str(draft / "key"),
            ),
            operation=f"creating the key {path}",
        )
        (draft / "key.pub").replace(public)
        (draft / "key").replace(path)
        draft.rmdir()
    return public.read_text().strip()


def known_hosts(addressing: Addressing, host_keys: dict[str, str], *, ipv6: bool) -> str:
    """The text of known_hosts: each node by its name and all its addresses.

    Args:
        addressing: the lab's names and addresses.
        host_keys: the line of the public key by node.
        ipv6: whether nodes have IPv6 addresses.
    """
    lines = []
    for node in addressing.nodes:
        endpoint = addressing.node(node)
        names = [node, str(endpoint.v4.ip), *([str(endpoint.v6.ip)] if ipv6 else [])]
        kind, key = host_keys[node].split()[:2]
        lines.append(f"{','.join(names)} {kind} {key}\n")
    return "".join(lines)


def ssh_config(addressing: Addressing, state: StateFolder) -> str:
    """The text of an ssh client configuration with the names of all nodes."""
    blocks = [
        f"Host {node}\n    HostName {addressing.node(node).v4.ip}\n" for node in addressing.nodes
    ]
    addresses = " ".join(str(addressing.node(node).v4.ip) for node in addressing.nodes)
    names = " ".join(addressing.nodes)
    blocks.append(
        f"Host {names} {addresses}\n"
        "    User root\n"
        f"    IdentityFile {state.key}\n"
        "    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {state.known_hosts}\n"
        "    GlobalKnownHostsFile /dev/null\n"
        "    StrictHostKeyChecking yes\n"
        "    ControlMaster no\n"
        "    ControlPath none\n"
    )
    return "\n".join(blocks)


def write_client_files(
    addressing: Addressing, state: StateFolder, host_keys: dict[str, str], *, ipv6: bool
) -> None:
    """Write known_hosts and ssh_config if they have changed."""
    for path, text in (
        (state.known_hosts, known_hosts(addressing, host_keys, ipv6=ipv6)),
        (state.ssh_config, ssh_config(addressing, state)),
    ):
        if not path.exists() or path.read_text() != text:
            write_atomically(path, text, 0o600)
