"""Reads the certificates of all backends through the SSH connections to the nodes."""

from __future__ import annotations

import datetime
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from hadeploy.certificates.certificate import (
    Certificates,
    Endpoint,
    ServerCertificate,
    endpoints,
    parse_certificate,
)
from hadeploy.certificates.handshake import server_certificate
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.remote.fanout import MAX_THREADS
from hadeploy.remote.session import Session
from hadeploy.remote.tunnel import ForwardingRefusedError, Tunnel, forwarded, relayed

Open = Callable[[Session, str, int, int], Tunnel]

# For the connection and the handshake.
HANDSHAKE_SECONDS = 2
# A thread may end this much later than its deadline.
THREAD_END_SECONDS = 0.3
CACHE_SECONDS = 60
# The second attempt with a silent server, which may be slow.
SECOND_ATTEMPT_SECONDS = 3
# A silent server is not asked again for this time.
SILENT_SECONDS = 10


class SilentError(Exception):
    """A server accepts a connection but does not answer."""


class CertificateReader:
    """Reads the certificates of all backends, and caches them for a minute.

    Args:
        sessions: returns the open sessions, by node label. A backend on a node is reached through
            the session of that node.
    """

    def __init__(self, cluster: Cluster, sessions: Callable[[], Mapping[str, Session]]) -> None:
        self._cluster = cluster
        self._sessions = sessions
        self._found: dict[Endpoint, ServerCertificate | None] = {}
        self._silent: dict[Endpoint, float] = {}
        self._tried: set[Endpoint] = set()
        self._round: _Round | None = None
        self._begun = float("-inf")

    def begin(self) -> None:
        """Start to read all certificates in threads; `read` waits for them."""
        if time.monotonic() < self._begun + CACHE_SECONDS:
            return
        self._begun = time.monotonic()
        self._found, self._silent, self._tried = {}, {}, set()
        self._round = _Round(self._cluster, self._sessions(), endpoints(self._cluster))

    def read(self, wanted: Collection[Endpoint]) -> Certificates:
        """The certificates of these backends; waits 5 s at most."""
        self.begin()
        if self._round:
            self._learn(self._round, wanted)
            self._round = None
        now = time.monotonic()
        known = {e for e, since in self._silent.items() if now < since + SILENT_SECONDS}
        missing = [e for e in wanted if e not in self._found and e not in known]
        if now <= self._begun + HANDSHAKE_SECONDS:
            missing = [endpoint for endpoint in missing if endpoint not in self._tried]
        if missing:
            # A backend may be up since, or new.
            self._learn(_Round(self._cluster, self._sessions(), missing), missing)
        at = datetime.datetime.now(datetime.timezone.utc)
        return Certificates(at, dict(self._found), frozenset(self._silent))

    def _learn(self, asked: _Round, wanted: Collection[Endpoint]) -> None:
        found, silent = asked.answers(wanted)
        if silent:
            again = _Round(self._cluster, self._sessions(), silent, SECOND_ATTEMPT_SECONDS)
            more, silent = again.answers(silent)
            found |= more
        self._found |= found
        self._tried |= asked.endpoints.intersection(wanted)
        now = time.monotonic()
        self._silent = {e: since for e, since in self._silent.items() if e not in wanted}
        self._silent |= dict.fromkeys(silent, now)


class _Round:
    """One attempt with several backends, in parallel."""

    def __init__(
        self,
        cluster: Cluster,
        sessions: Mapping[str, Session],
        asked: Collection[Endpoint],
        seconds: int = HANDSHAKE_SECONDS,
    ) -> None:
        self._seconds = seconds
        labels = {str(node.address): node.label for node in cluster.nodes}
        others = list(sessions.values())
        self._sessions = {
            endpoint: sessions.get(labels.get(endpoint[0], ""), others[number % len(others)])
            for number, endpoint in enumerate(asked if others else ())
        }
        self._pool = ThreadPoolExecutor(max_workers=max(1, min(len(asked), MAX_THREADS)))
        self._deadline = time.monotonic() + seconds
        self._asked = self._ask(self._sessions, forwarded)

    @property
    def endpoints(self) -> set[Endpoint]:
        """The backends of this attempt."""
        return set(self._sessions)

    def answers(
        self, wanted: Collection[Endpoint]
    ) -> tuple[dict[Endpoint, ServerCertificate | None], list[Endpoint]]:
        """The certificates and the silent backends; backends without a connection are missing.

        Args:
            wanted: the backends to wait for.
        """
        asked = {e: f for e, f in self._asked.items() if e in wanted}
        found, silent, refused = _collect(asked, self._deadline)
        if refused:
            deadline = time.monotonic() + self._seconds
            more, others, _ = _collect(self._ask(refused, relayed), deadline)
            found |= more
            silent += others
        # Do not wait for the other backends, which may never answer.
        self._pool.shutdown(wait=False, cancel_futures=True)
        return found, silent

    def _ask(
        self, asked: Iterable[Endpoint], opened: Open
    ) -> dict[Endpoint, Future[ServerCertificate | None]]:
        return {
            endpoint: self._pool.submit(
                _read, self._sessions[endpoint], endpoint, opened, self._seconds
            )
            for endpoint in asked
        }


def _read(
    session: Session, endpoint: Endpoint, opened: Open, seconds: int
) -> ServerCertificate | None:
    tunnel = opened(session, *endpoint, seconds)
    try:
        der = server_certificate(tunnel)
    except ssl.SSLError:
        # The server does not speak TLS.
        return None
    except TimeoutError as error:
        raise SilentError from error
    finally:
        tunnel.close()
    return parse_certificate(der) if der else None


def _collect(
    asked: Mapping[Endpoint, Future[ServerCertificate | None]], deadline: float
) -> tuple[dict[Endpoint, ServerCertificate | None], list[Endpoint], list[Endpoint]]:
    """The certificates, the silent backends, and those to which the node forwards nothing."""
    found: dict[Endpoint, ServerCertificate | None] = {}
    silent, refused = [], []
    wait(asked.values(), timeout=max(0, deadline + THREAD_END_SECONDS - time.monotonic()))
    for endpoint, future in asked.items():
        if not future.done():
            continue
        try:
            found[endpoint] = future.result()
        except SilentError:
            silent.append(endpoint)
        except ForwardingRefusedError:
            refused.append(endpoint)
        except (HadeployError, OSError, ValueError):
            # Callers decide whether a missing certificate is a problem.
            continue
    return found, silent, refused
