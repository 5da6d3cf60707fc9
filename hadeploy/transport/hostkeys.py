"""Host keys are checked, always; fabric's own default is to accept whatever answers."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import paramiko
from fabric import Connection


class UnknownHostKeyError(paramiko.SSHException):
    """A host that no known_hosts file names."""

    def __init__(self, host: str, key: paramiko.PKey) -> None:
        super().__init__(f"no known_hosts entry for {host}")
        self.host = host
        self.key = key


class RefuseUnknown(paramiko.MissingHostKeyPolicy):
    """Refuse hosts that known_hosts does not name."""

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 - paramiko's signature
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        """Raise UnknownHostKeyError."""
        raise UnknownHostKeyError(hostname, key)


class TrustOnFirstUse(paramiko.MissingHostKeyPolicy):
    """Write down the key of a host seen for the first time; a changed key is still refused.

    Args:
        known_hosts: the file to append to.
        writing: shared by all connections of a run.
    """

    def __init__(self, known_hosts: Path, writing: threading.Lock) -> None:
        self._known_hosts = known_hosts
        self._writing = writing

    def missing_host_key(
        self,
        client: paramiko.SSHClient,
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        """Append the key to known_hosts."""
        client.get_host_keys().add(hostname, key.get_name(), key)
        with self._writing:
            self._known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._known_hosts.open("a+b") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 1))
                torn = file.read(1) not in (b"", b"\n")
                line = f"{hostname} {key.get_name()} {key.get_base64()}\n"
                file.write(f"{chr(10) if torn else ''}{line}".encode("ascii"))


def known_hosts_files(given: str | None, ssh_config: dict[str, str]) -> list[Path]:
    """The known_hosts files to consult, the one to write to first (ssh_config(5)).

    Args:
        given: the inventory's `ssh.known_hosts`, which replaces all others.
        ssh_config: the options that the ssh config has for this host.
    """
    if given:
        return [Path(given).expanduser()]
    user = ssh_config.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
    system = ssh_config.get(
        "globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
    )
    return [Path(p).expanduser() for p in f"{user} {system}".split()]


def check_host_key(
    hop: Connection, given: str | None, *, accept_new: bool, writing: threading.Lock
) -> None:
    """Set known_hosts and the policy on a connection, be it to a node or to a jump host.

    Args:
        hop: not yet opened.
        given: the inventory's `ssh.known_hosts`.
        accept_new: trust hosts seen for the first time and write their keys down.
        writing: shared by all connections of a run.
    """
    files = known_hosts_files(given, hop.ssh_config)
    for file in files:
        if file.is_file():
            hop.client.load_system_host_keys(str(file))
    hop.client.set_missing_host_key_policy(
        TrustOnFirstUse(files[0], writing) if accept_new else RefuseUnknown()
    )
