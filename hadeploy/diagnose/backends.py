"""Servers behind the listeners that are down. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.observed_node import BackendServer
from hadeploy.verify.backends import UNEVEN, once_served
from hadeploy.verify.capacity import full_hint, full_problem, no_server_has_room

NO_ANSWER = "are they up? look for firewalls on the way"
READY = "start the servers there; is the port right?"
BEFORE_KUBEADM = "before `kubeadm init` this is expected"
TCP = "`check: {type: tcp}`"
LOGS = "look at the API servers' own logs, and at `kubectl get --raw '/readyz?verbose'`"
# Those of the ClusterRole system:public-info-viewer that tell whether a server is ready.
PUBLIC_PATHS = ("/readyz", "/livez", "/healthz")
# haproxy's abbreviations of how a check ended (management guide, 9.1, check_status) → what is seen,
# and what to do.
OUTCOMES = {
    "L4CON": ("nothing listens there", READY),
    "L4TOUT": ("they do not answer at all", NO_ANSWER),
    "L6TOUT": (
        "they accept connections and say nothing",
        f"is the port right? a server that does not speak TLS needs {TCP}",
    ),
    "L6": (
        "the TLS handshake fails",
        f"is the port right? servers that do not speak TLS, or that demand a certificate of every "
        f"client, need {TCP}",
    ),
    "SOCKERR": (
        "they end the connection",
        f"do they demand a certificate of every client? then {TCP}",
    ),
    "L7TOUT": (
        "they do not answer in time",
        f"{LOGS}; if they are only slow, raise `check.timeout`",
    ),
    "L7RSP": ("they do not answer in HTTP", f"is the port right? other servers need {TCP}"),
    "L7": ("they do not answer 200", LOGS),
}


BACKENDS_FULL = Cause(
    "backends-full",
    "all backends of a listener have as many connections as their `maxconn`",
    "haproxy's statistics (`scur` and `slim` of each server that is up, `qcur` of it and of "
    "the backend)",
    "raise `maxconn` of the servers in `templates`, or add API servers; look for "
    "clients that leave connections open",
    ("listener-full", "vip-unheard"),
)
LISTENER_FULL = Cause(
    "listener-full",
    "a listener has as many connections as it may",
    "haproxy's statistics (`scur` and `slim` of the frontend); how many connections wait in "
    "the kernel's queue of the port",
    "raise `maxconn` of the listener or `haproxy.maxconn`; look for clients that leave "
    "connections open",
    ("vip-unheard",),
)


@recognises(BACKENDS_FULL, LISTENER_FULL)
def full_listeners(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Listeners that serve no more clients: they are full, or all servers behind them are."""
    for node, look in context.nodes:
        for listener in context.cluster.listeners:
            problem = full_problem(look, listener.name, listener.port)
            if problem is None:
                continue
            fix = full_hint([look], listener.name) or ""
            evidence = (f"{node.label}: {problem}",)
            if no_server_has_room(look, listener.name):
                yield Diagnosis(
                    BACKENDS_FULL.id,
                    (node.label,),
                    f"all backends of listener {listener.name} have as many connections as they "
                    "may",
                    fix,
                    evidence,
                )
            else:
                yield Diagnosis(
                    LISTENER_FULL.id,
                    (node.label,),
                    f"listener {listener.name} accepts no more connections",
                    fix,
                    evidence,
                )


BACKENDS_DOWN = Cause(
    "backends-down",
    "backends are down",
    "how the check of each of them ended in each haproxy's statistics, with the HTTP status "
    "that it got: 401 and 403 are answers of a server that is up and refuses requests without "
    "credentials, 404 is a wrong path, 5xx is a server that is not ready",
    "start the servers; look for firewalls; correct `listeners[].check` (see "
    "[kubeadm](kubeadm.md))",
)


@recognises(BACKENDS_DOWN)
def backends(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """By how their checks end; which servers, and as whom it sees."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    looking = [(node.label, look) for node, look in context.nodes if look.backends]
    # While a check is under way haproxy does not tell how the last one was answered.
    answered = {_result(s): s for _, look in looking for s in look.backends if s.code}
    for label, look in looking:
        for server in look.backends:
            if not server.up and server.status not in ("no check", "MAINT"):
                told = answered.get(_result(server), server)
                outcome = check_outcome(told, _path(context, told))
                seen = found.setdefault(outcome, {})
                name = f"{told.listener}/{told.name}{_words(told)}"
                seen.setdefault(name, []).append(label)
    names = [listener.name for listener in context.cluster.listeners]
    served = any(once_served(look, name) for _, look in looking for name in names)
    for (what, fixed), servers in found.items():
        everyone = [label for label, _ in looking]
        some = any(nodes != everyone for nodes in servers.values())
        fix = UNEVEN if some and fixed in (READY, NO_ANSWER) else fixed
        yield Diagnosis(
            BACKENDS_DOWN.id,
            (),
            f"{_count(servers)} down: {what}" + (", as some nodes see them" if some else ""),
            f"{fix} ({BEFORE_KUBEADM})" if fix == READY and not served else fix,
            tuple(f"{', '.join(nodes)}: {server}" for server, nodes in servers.items()),
        )


def _result(server: BackendServer) -> tuple[str, str, str]:
    return server.listener, server.name, server.check


def check_outcome(server: BackendServer, path: str) -> tuple[str, str]:
    """Why a check fails, and what to do.

    Args:
        server: it is down.
        path: what an https check asks for.
    """
    if server.code:
        return _answer(server.code, path)
    known = (words for code, words in OUTCOMES.items() if server.check.startswith(code))
    return next(known, ("their checks fail", READY))


def _answer(code: str, path: str) -> tuple[str, str]:
    """haproxy asks without credentials: to an API server it is `system:anonymous`."""
    correct = f"correct listeners[].check.path (API servers have {', '.join(PUBLIC_PATHS)})"
    restore = "restore the ClusterRoleBinding system:public-info-viewer"
    readable = restore if path in PUBLIC_PATHS else correct
    answers = {
        "401": (
            f"they refuse anonymous requests (401 to {path})",
            f"{TCP}, or allow anonymous requests for {path} (docs/kubeadm.md)",
        ),
        "403": (f"anonymous requests may not read {path} (403)", f"{readable}, or {TCP}"),
        "404": (f"they have no {path} (404)", correct),
        "429": (f"they have too many requests (429 to {path})", LOGS),
        "3": (f"they redirect {path} ({code})", f"{correct}; is the port right?"),
        "5": (f"they are not ready ({code} to {path})", LOGS),
    }
    found = answers.get(code) or answers.get(code[0])
    return found or (f"they answer {code} to {path}, not 200", correct)


def _path(context: DiagnosisContext, server: BackendServer) -> str:
    paths = {
        f"{listener.name}-backend": listener.check.path for listener in context.cluster.listeners
    }
    return paths.get(server.listener, "the path of the check")


def _words(server: BackendServer) -> str:
    return f" ({server.outcome})" if server.outcome else ""


def _count(servers: Collection[str]) -> str:
    return "1 backend is" if len(servers) == 1 else f"{len(servers)} backends are"
