"""TCP connections from a node, over the SSH connection to it."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import paramiko

from hadeploy.remote.session import Session
from hadeploy.remote.timed_channel import CHUNK

# RFC 4254, section 5.1: administratively prohibited, unknown channel type.
_REFUSED = (1, 3)
# bash copies in both directions; output of the login shell ends at the mark. All login shells parse
# this line alike.
_RELAY = (
    "timeout {seconds} bash -c 'exec 3<>/dev/tcp/{address}/{port} && echo {mark}"
    " && {{ cat <&3 & cat >&3; kill %1; }}'"
)


class ForwardingRefusedError(Exception):
    """The SSH server forwards no connections (AllowTcpForwarding, PermitOpen)."""


@dataclass
class Tunnel:
    """A TCP connection.

    Attributes:
        channel: the SSH channel that carries it.
        deadline: the end of every wait, on the monotonic clock.
        received: data that was read before.
    """

    channel: paramiko.Channel
    deadline: float
    received: bytes = b""

    def send(self, data: bytes) -> None:
        """Send all data.

        Raises:
            OSError: the connection was lost, or the deadline has passed.
        """
        self._limit()
        self.channel.sendall(data)

    def receive(self) -> bytes:
        """The next data; b"" at the end.

        Raises:
            OSError: the connection was lost, or the deadline has passed.
        """
        if self.received:
            received, self.received = self.received, b""
            return received
        self._limit()
        return self.channel.recv(CHUNK)

    def close(self) -> None:
        """Close it; a second call does nothing."""
        self.channel.close()

    def _limit(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self.channel.settimeout(left)


def forwarded(session: Session, address: str, port: int, seconds: float) -> Tunnel:
    """A connection through the SSH server (RFC 4254, 7.2); it needs no process on the node.

    Raises:
        ForwardingRefusedError: the server does not allow it.
        OSError: the connection to that address failed.
    """
    deadline = time.monotonic() + seconds
    try:
        channel = session.connection.transport.open_channel(
            "direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=seconds
        )
    except paramiko.ChannelException as error:
        if error.code in _REFUSED:
            raise ForwardingRefusedError from error
        raise ConnectionError(error.text) from error
    except (paramiko.SSHException, EOFError) as error:
        raise ConnectionError(str(error)) from error
    return Tunnel(channel, deadline)


def relayed(session: Session, address: str, port: int, seconds: int) -> Tunnel:
    """A connection through bash on the node, for servers that do not forward connections.

    Raises:
        HadeployError: the command cannot be started.
        OSError: the connection to that address failed.
    """
    deadline = time.monotonic() + seconds
    mark = f"hd-connected-{secrets.token_hex(8)}"
    command = _RELAY.format(seconds=seconds, address=address, port=port, mark=mark)
    tunnel = Tunnel(session.start(command, "connecting from the node", patient=True), deadline)
    end = f"{mark}\n".encode()
    output = b""
    try:
        while end not in output:
            chunk = tunnel.receive()
            if not chunk:
                raise ConnectionError(f"no connection to {address} port {port}")
            output = (output + chunk)[-CHUNK:]
    except BaseException:
        # Otherwise the node would keep it until its own timeout.
        tunnel.close()
        raise
    tunnel.received = output.partition(end)[2]
    return tunnel
