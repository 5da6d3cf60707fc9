"""A stand-in for an API server: answers every GET with the name of its node. Runs by its path.

`/` and `/readyz` answer at once. `/watch` sends a line ten times a second until the client
disconnects, like the long connections of `kubectl get --watch` and `kubectl logs -f`. HTTP statuses
other than 200 have the bodies of a real API server.
"""

from __future__ import annotations

import argparse
import asyncio
import http
import json
import os
import resource
import signal
import socket
import ssl
from pathlib import Path

_HEALTH = ("/readyz", "/livez", "/healthz")
_BACKLOG = 4096
_IDLE_SECONDS = 3600.0


def _answer(status: http.HTTPStatus, kind: str, body: str, *, keep: bool) -> bytes:
    connection = "keep-alive" if keep else "close"
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: {connection}\r\n\r\n"
    ).encode()


def _content(status: http.HTTPStatus, path: str, node: str) -> tuple[str, str]:
    """The content type and body of an API server for a status."""
    if status == http.HTTPStatus.OK:
        return "text/plain", f"{node}\n"
    if status == http.HTTPStatus.INTERNAL_SERVER_ERROR and path in _HEALTH:
        failed = "[-]etcd failed: reason withheld"
        return "text/plain", f"[+]ping ok\n{failed}\n{path[1:]} check failed\n"
    return "application/json", json.dumps(
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status.value}
    )


async def _serve(
    options: argparse.Namespace, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    statuses = {"/": 200} | dict.fromkeys(_HEALTH, options.readyz)
    try:
        keep = True
        while keep:
            first = await asyncio.wait_for(reader.readexactly(1), _IDLE_SECONDS)
            if not first.isalpha():
                # A TLS client of a plain server; Go's net/http also answers in plain text.
                writer.write(_answer(http.HTTPStatus.BAD_REQUEST, "text/plain", "", keep=False))
                return
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _IDLE_SECONDS)
            line, *headers = (first + head).decode("latin-1").split("\r\n")
            method, path, version = line.split(" ", 2)
            lowered = {header.lower().replace(" ", "") for header in headers}
            keep = version == "HTTP/1.1" and "connection:close" not in lowered
            if path == "/watch":
                await _watch(options.node, writer)
                return
            status = http.HTTPStatus(statuses.get(path, options.unknown))
            kind, body = _content(status, path, options.node)
            writer.write(_answer(status, kind, body, keep=keep))
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
    # From /proc, because getpid() returns the pid in the namespace of the node.
    stat = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    start = stat.rpartition(")")[2].split()[19]
    temporary = file.with_suffix(".new")
    temporary.write_text(f"{stat.split()[0]} {start}\n", encoding="ascii")
    temporary.replace(file)


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if options.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate)
    return context


async def _main(options: argparse.Namespace) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = await asyncio.start_server(
        lambda reader, writer: _serve(options, reader, writer),
        sock=_listen(options.port),
        backlog=_BACKLOG,
        ssl=_tls(options),
    )
    _write_pid(options.pidfile)
    async with server:
        await server.serve_forever()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("node", help="the answer: the name of the node")
    parser.add_argument("port", type=int)
    parser.add_argument("pidfile", type=Path)
    parser.add_argument("--readyz", type=int, default=200, help="HTTP status of the health paths")
    parser.add_argument("--unknown", type=int, default=404, help="HTTP status of other paths")
    parser.add_argument(
        "--certificate", type=Path, help="PEM file with certificate and private key; enables TLS"
    )
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(_main(_options()))
