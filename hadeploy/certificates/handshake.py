"""A TLS handshake over a tunnel, to read the certificate of a server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress

from hadeploy.remote.tunnel import Tunnel

# Far more than a server sends during a handshake.
_MAX_BYTES = 1024 * 1024


def server_certificate(tunnel: Tunnel) -> bytes | None:
    """The certificate of a server in DER, not verified; None if the server does not speak TLS.

    Raises:
        OSError: the connection is lost, or the server does not answer in time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    # Without SNI, as kubectl connects to an address (RFC 6066, section 3).
    tls = context.wrap_bio(incoming, outgoing)
    received = 0
    while not _done(tls.do_handshake):
        tunnel.send(outgoing.read())
        chunk = tunnel.receive()
        received += len(chunk)
        if not chunk or received > _MAX_BYTES:
            return None
        incoming.write(chunk)
    certificate = tls.getpeercert(binary_form=True)
    with suppress(OSError):
        # Complete the handshake and send close_notify; otherwise the server logs an error.
        _done(tls.unwrap)
        tunnel.send(outgoing.read())
    return certificate


def _done(step: Callable[[], object]) -> bool:
    """Run a step; whether it is complete, or waits for the server."""
    try:
        step()
    except ssl.SSLWantReadError:
        return False
    return True
