"""The keys of an SSH agent."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence

import paramiko


class _Agent(paramiko.agent.AgentSSH):
    """An SSH agent at a given address; paramiko uses only that of the environment."""

    def __init__(self, address: str, timeout: float) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        try:
            connection.connect(address)
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close the connection to it."""
        self._close()  # type: ignore[attr-defined]


@contextlib.contextmanager
def agent_keys(
    address: str | None, timeout: float
) -> Iterator[tuple[Sequence[paramiko.AgentKey], bool]]:
    """The keys of an SSH agent, and whether it answers. Without an answer there are no keys.

    Args:
        address: its socket; None for no agent.
        timeout: seconds that each answer may take.
    """
    try:
        agent = _Agent(address, timeout) if address else None
    except (paramiko.SSHException, OSError) as error:
        yield (), not isinstance(error, TimeoutError)
        return
    if agent is None:
        yield (), True
        return
    try:
        yield agent.get_keys(), True
    finally:
        agent.close()
