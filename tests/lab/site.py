"""What real sites do to SSH and sudo: people, sshd options, terminals, slow links."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import secrets
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.lab.harness import Cluster, eventually

PATIENCE_SECONDS = 90


@contextlib.contextmanager
def person(
    cluster: Cluster,
    name: str,
    sudoers: str,
    *,
    password: str = "",
    shell: str = "/bin/bash",
    nodes: Sequence[str] = (),
) -> Iterator[str]:
    """An ordinary user on nodes, whom root's key lets in; gone afterwards.

    Args:
        cluster: whose nodes.
        name: the login name.
        sudoers: lines for sudoers.
        password: what sudo wants; "" for none.
        shell: the login shell.
        nodes: which; default: all.
    """
    where = nodes or cluster.lab.nodes
    for node in where:
        cluster.node(
            node,
            f"""userdel --force --remove {name} 2>/dev/null
            set -e
            useradd --create-home --shell {shell} {name}
            install -d -m 700 -o {name} /home/{name}/.ssh
            install -m 600 -o {name} /root/.ssh/authorized_keys /home/{name}/.ssh/
            cat >/etc/sudoers.d/{name} <<'END'
{sudoers}
END
            chmod 440 /etc/sudoers.d/{name}
            visudo --check --quiet""",
        )
        # An account without a password is a locked one, which sshd without PAM refuses.
        entry = f"{name}:{password or secrets.token_hex(8)}"
        cluster.lab.exec(node, ["chpasswd"], input=f"{entry}\n")
    try:
        yield name
    finally:
        for node in where:
            cluster.node(
                node, f"rm -f /etc/sudoers.d/{name}; userdel --force --remove {name}", check=False
            )


@contextlib.contextmanager
def sshd(cluster: Cluster, *nodes: str, first: str = "", without: str = "") -> Iterator[None]:
    """sshd with other options on some nodes, as before afterwards.

    Args:
        cluster: whose nodes.
        nodes: which; at least one.
        first: lines that win over what is there.
        without: a pattern of lines that are left out.
    """
    for node in nodes:
        cluster.node(
            node,
            f"""cp -n /etc/ssh/sshd_config /etc/ssh/sshd_config.before
            {{ printf '%s\\n' '{first}'
            grep -v '{without or "^$"}' /etc/ssh/sshd_config.before
            }} >/etc/ssh/sshd_config && sshd -t""",
        )
        _restart_sshd(cluster, node)
    try:
        yield
    finally:
        for node in nodes:
            cluster.node(node, "mv /etc/ssh/sshd_config.before /etc/ssh/sshd_config")
            _restart_sshd(cluster, node)


def _restart_sshd(cluster: Cluster, node: str) -> None:
    cluster.node(
        node,
        """kill "$(cat /run/sshd.pid)"
        while [ -n "$(ss -Hltn sport = :22)" ]; do sleep 0.05; done
        : >/var/log/sshd.log
        /usr/sbin/sshd -f /etc/ssh/sshd_config -E /var/log/sshd.log""",
    )
    eventually(lambda: cluster.node(node, "ss -Hltn sport = :22"), "sshd listens again")


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[dict[str, str]]:
    """An ssh-agent without keys.

    Yields:
        The environment that leads to it.
    """
    address = folder / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.DEVNULL)
    try:
        eventually(address.exists, "the agent listens")
        yield {"SSH_AUTH_SOCK": str(address)}
    finally:
        process.terminate()
        process.wait(10)


def add_key(key: Path, environment: dict[str, str]) -> None:
    """Load a private key into the agent that the environment leads to."""
    subprocess.run(
        ["ssh-add", "-q", str(key)], check=True, env={**os.environ, **environment}, timeout=10
    )


def keygen(*arguments: str) -> None:
    """Run ssh-keygen."""
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, stdin=subprocess.DEVNULL)


def converse(
    cluster: Cluster, answers: Sequence[tuple[str, str]], *arguments: str
) -> tuple[int, str]:
    """Run a command in a terminal of its own and answer what it asks.

    Args:
        cluster: whose inventory.
        answers: for each question, in order: a pattern of it, and what is typed.
        arguments: the command.

    Returns:
        Its exit code and all that was on the screen.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        # It is to be the terminal that /dev/tty means, too.
        ["setsid", "--ctty", *cluster.command(arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    todo = list(answers)
    screen, seen = "", 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.2)[0]:
                continue
            try:
                chunk = os.read(ours, 4096)
            except OSError:
                break
            screen += chunk.decode(errors="replace")
            if todo and (asked := re.search(todo[0][0], screen[seen:])):
                seen += asked.end()
                os.write(ours, f"{todo.pop(0)[1]}\n".encode())
        assert not todo, f"never asked {todo[0][0]!r}:\n{screen}"
        return process.wait(10), screen
    finally:
        process.kill()
        process.wait(10)
        os.close(ours)


@contextlib.contextmanager
def slow_link(host: str, port: int, seconds: float) -> Iterator[int]:
    """A TCP relay on 127.0.0.1 through which everything takes longer.

    Args:
        host: where it leads.
        port: the port there.
        seconds: that each byte takes longer, in each direction.

    Yields:
        Its port.
    """
    loop = asyncio.new_event_loop()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                loop.call_later(seconds, writer.write, chunk)
        loop.call_later(seconds, writer.close)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(carry(reader, far_writer), carry(far_reader, writer))

    server = loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
