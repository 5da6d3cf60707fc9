"""A stand-in for an API server: answers every GET with its node's name. Run as a file, by path.

`/` and `/readyz` answer at once; `/watch` sends a line ten times a second until the client leaves,
as `kubectl get --watch` and `kubectl logs -f` hold their connections.

usage: standin_api.py NODE PORT PIDFILE
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from pathlib import Path

_PATHS = ("/", "/readyz", "/livez", "/healthz")
_BACKLOG = 4096
_IDLE_SECONDS = 3600.0


def _answer(status: str, body: str, *, keep: bool) -> bytes:
    connection = "keep-alive" if keep else "close"
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        f"Connection: {connection}\r\n\r\n"
    ).encode()


async def _serve(node: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        keep = True
        while keep:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE_SECONDS)
            line, *headers = head.decode("latin-1").split("\r\n")
            method, path, version = line.split(" ", 2)
            lowered = {header.lower().replace(" ", "") for header in headers}
            keep = version == "HTTP/1.1" and "connection:close" not in lowered
            if path == "/watch":
                await _watch(node, writer)
                return
            status, body = ("200 OK", f"{node}\n") if path in _PATHS else ("404 Not Found", "no\n")
            writer.write(_answer(status, body, keep=keep))
            writer.write(b"" if method == "HEAD" else body.encode())
            await writer.drain()
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    except asyncio.TimeoutError:  # an OSError only since Python 3.11
        pass
    finally:
        writer.close()


async def _watch(node: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
    while not writer.is_closing():
        writer.write(f"{node}\n".encode())
        await writer.drain()
        await asyncio.sleep(0.1)


def _listen(port: int) -> socket.socket:
    dual = socket.has_dualstack_ipv6()
    return socket.create_server(
        ("::" if dual else "0.0.0.0", port),  # noqa: S104  alone in its network namespace
        family=socket.AF_INET6 if dual else socket.AF_INET,
        backlog=_BACKLOG,
        dualstack_ipv6=dual,
    )


def _write_pid(file: Path) -> None:
    # Through /proc, because getpid() counts in the node's namespace and our starter in its own.
    stat = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    start = stat.rpartition(")")[2].split()[19]
    temporary = file.with_suffix(".new")
    temporary.write_text(f"{stat.split()[0]} {start}\n", encoding="ascii")
    temporary.replace(file)


async def _main(node: str, port: int, pidfile: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = await asyncio.start_server(
        lambda reader, writer: _serve(node, reader, writer), sock=_listen(port), backlog=_BACKLOG
    )
    _write_pid(pidfile)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
