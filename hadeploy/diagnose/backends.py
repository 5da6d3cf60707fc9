"""Servers behind the listeners that are down. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hadeploy.diagnose.model import Diagnosis, Scene
from hadeploy.observe.model import BackendServer
from hadeploy.verify.backends import once_served

READY = "start the servers there; is the port right?"
BEFORE_KUBEADM = "before `kubeadm init` this is expected"
# haproxy's abbreviations of how a check ended (management guide, 9.1, check_status) → what is seen,
# and what to do.
OUTCOMES = {
    "L4CON": ("nothing listens there", READY),
    "L4TOUT": ("they do not answer at all", "are they up? look for firewalls on the way"),
    "L6": ("they do not speak TLS as expected", "is listeners[].check of the right type?"),
    "L7": ("they say that they are not ready", "look at the servers' own logs"),
}


def backends(scene: Scene) -> Iterator[Diagnosis]:
    """By how their checks end; which servers, and as whom it sees."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    looking = [(node.label, look) for node, look in scene.nodes if look.backends]
    for label, look in looking:
        for server in look.backends:
            if not server.up and server.status not in ("no check", "MAINT"):
                seen = found.setdefault(_outcome(server), {})
                seen.setdefault(f"{server.listener}/{server.name}{_words(server)}", []).append(
                    label
                )
    names = [listener.name for listener in scene.cluster.listeners]
    served = any(once_served(look, name) for _, look in looking for name in names)
    for (what, fix), servers in found.items():
        everyone = [label for label, _ in looking]
        some = any(nodes != everyone for nodes in servers.values())
        yield Diagnosis(
            "backends-down",
            (),
            f"{len(servers)} backends are down: {what}"
            + (", as some nodes see them" if some else ""),
            fix if served else f"{fix} ({BEFORE_KUBEADM})",
            tuple(f"{', '.join(nodes)}: {server}" for server, nodes in servers.items()),
        )


def _outcome(server: BackendServer) -> tuple[str, str]:
    known = (words for code, words in OUTCOMES.items() if server.check.startswith(code))
    return next(known, ("their checks fail", READY))


def _words(server: BackendServer) -> str:
    words = ", ".join(word for word in (server.check, server.said) if word)
    return f" ({words})" if words else ""
