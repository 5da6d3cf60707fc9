"""A TLS handshake over a tunnel, for the server's certificate."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress

from hadeploy.remote.tunnel import Tunnel

# Far more than any server sends until the handshake is over.
_MOST_BYTES = 1024 * 1024


def server_certificate(tunnel: Tunnel) -> bytes | None:
    """The certificate of a server, which is not verified; None if the server does not speak TLS.

    Returns:
        DER.

    Raises:
        OSError: the connection is gone, or the server says nothing in time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    # Without a host name (SNI): kubectl sends none to an address (RFC 6066, section 3).
    tls = context.wrap_bio(incoming, outgoing)
    received = 0
    while not _done(tls.do_handshake):
        tunnel.send(outgoing.read())
        chunk = tunnel.receive()
        received += len(chunk)
        if not chunk or received > _MOST_BYTES:
            return None
        incoming.write(chunk)
    certificate = tls.getpeercert(binary_form=True)
    with suppress(OSError):
        # To the end, and with a close_notify: otherwise the server logs an error.
        _done(tls.unwrap)
        tunnel.send(outgoing.read())
    return certificate


def _done(step: Callable[[], object]) -> bool:
    """Whether a step is complete; it is not while it waits for the server."""
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True
