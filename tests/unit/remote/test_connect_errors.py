"""The error of a failed connection: cause, place and hint."""

from __future__ import annotations

import paramiko
import pytest

from hadeploy.remote.connect_errors import Stop, explained
from hadeploy.remote.hostkeys import (
    ChangedHostKeyError,
    RevokedHostKeyError,
    UncheckedRevocationError,
    UnknownHostKeyError,
    UnwrittenHostKeyError,
    WeakHostKeyError,
)
from hadeploy.remote.login import DisconnectedError
from hadeploy.remote.proxy_command import ProxyCommandError

KEY = paramiko.ECDSAKey.generate()
RSA = paramiko.RSAKey.generate(1024)
NODE = Stop("n1", "root@198.51.100.11:22", through="ops@198.51.100.9:22")
JUMP = Stop("n1", "ops@198.51.100.9:22", is_jump=True)


@pytest.mark.parametrize(
    ("error", "what", "hint"),
    [
        (
            ChangedHostKeyError("[h]:2222", KEY, "/a b/kh line 3"),
            "the host key has CHANGED",
            "ssh-keygen -R '[h]:2222' -f '/a b/kh'",
        ),
        (RevokedHostKeyError("h", KEY, "/kh line 3"), "REVOKED", "new key"),
        (UncheckedRevocationError("h", KEY, "/krl"), "cannot read /krl", "RevokedHostKeys"),
        (
            UnwrittenHostKeyError("h", KEY, "/kh", reason="Permission denied"),
            "cannot write the new host key to /kh: Permission denied",
            "ssh.known_hosts",
        ),
        (WeakHostKeyError("h", RSA), "only 1024 bits", "RequiredRSASize"),
        (UnknownHostKeyError("h", KEY), "unknown host key", "--accept-new-host-keys"),
        (
            UnknownHostKeyError("h", KEY, "/kh line 1", reason="its certificate has expired"),
            "/kh line 1 trusts a certificate authority, but its certificate has expired",
            "HostCertificate",
        ),
    ],
)
def test_host_keys(error: Exception, what: str, hint: str) -> None:
    reported = explained(error, NODE, 10)
    assert what in reported.message
    assert hint in (reported.hint or "")
    assert (reported.stage, reported.node) == ("ssh-host-key", "n1")


@pytest.mark.parametrize(
    ("error", "stop", "text"),
    [
        (
            DisconnectedError(6, "Too many authentication failures"),
            NODE,
            "n1: connecting to root@198.51.100.11:22: "
            "the server disconnected after 6 keys: Too many authentication failures",
        ),
        (
            ProxyCommandError("nc h 22", "exit status 1", "nc: refused"),
            JUMP,
            "n1: connecting to jump host ops@198.51.100.9:22: "
            "the ProxyCommand failed (exit status 1: nc: refused): nc h 22",
        ),
        (
            OSError(113, "No route to host"),
            JUMP,
            "n1: connecting to jump host ops@198.51.100.9:22: No route to host",
        ),
        (
            paramiko.ChannelException(2, "Connect failed"),
            NODE,
            "n1: connecting to root@198.51.100.11:22: "
            "jump host ops@198.51.100.9:22 cannot connect (Connect failed)",
        ),
        (
            paramiko.ssh_exception.IncompatiblePeer("no acceptable ciphers"),
            NODE,
            "n1: connecting to root@198.51.100.11:22: no common algorithm (no acceptable ciphers)",
        ),
    ],
)
def test_where_it_happened(error: Exception, stop: Stop, text: str) -> None:
    assert str(explained(error, stop, 10)) == text


def test_a_jump_host_is_not_called_a_node() -> None:
    assert "is the jump host up" in (explained(TimeoutError(), JUMP, 10).hint or "")
    assert "is the node up" in (explained(TimeoutError(), NODE, 10).hint or "")
