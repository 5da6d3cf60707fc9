"""Causes on the side of the backends: full or down. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hadeploy.diagnose.cause import Cause, recognises
from hadeploy.diagnose.diagnosis import Diagnosis, DiagnosisContext
from hadeploy.observe.observed_node import BackendServer
from hadeploy.verify.backends import UNEVEN, once_served
from hadeploy.verify.capacity import full_hint, full_problem, no_server_has_room

NO_ANSWER = "check that the servers are up, and that no firewall drops the connections"
READY = "start the servers, or correct the port"
BEFORE_KUBEADM = "expected before `kubeadm init`"
TCP = "`check: {type: tcp}`"
LOGS = "see the logs of the API servers, and `kubectl get --raw '/readyz?verbose'`"
# The health endpoints that the ClusterRole system:public-info-viewer allows.
PUBLIC_PATHS = ("/readyz", "/livez", "/healthz")
# haproxy's result of a check (management guide, 9.1, check_status) → the problem and its fix.
OUTCOMES = {
    "L4CON": ("nothing listens there", READY),
    "L4TOUT": ("they do not answer", NO_ANSWER),
    "L6TOUT": (
        "they accept connections and send nothing",
        f"correct the port; a server that does not speak TLS needs {TCP}",
    ),
    "L6": (
        "the TLS handshake fails",
        f"correct the port; servers that do not speak TLS, or that require a client certificate, "
        f"need {TCP}",
    ),
    "SOCKERR": (
        "they close the connection",
        f"servers that require a client certificate need {TCP}",
    ),
    "L7TOUT": (
        "they do not answer in time",
        f"{LOGS}; if they are only slow, raise `check.timeout`",
    ),
    "L7RSP": ("they do not answer in HTTP", f"correct the port; other servers need {TCP}"),
    "L7": ("they do not answer 200", LOGS),
}


BACKENDS_FULL = Cause(
    "backends-full",
    "all backends of a listener have as many connections as their `maxconn`",
    "haproxy's statistics (`scur` and `slim` of each server that is up, `qcur` of it and of "
    "the backend)",
    "raise `maxconn` of the servers in `templates`, or add API servers; find clients that leave "
    "connections open",
    ("listener-full", "vip-unheard"),
)
LISTENER_FULL = Cause(
    "listener-full",
    "a listener has its maximum number of connections",
    "haproxy's statistics (`scur` and `slim` of the frontend); the number of connections in the "
    "kernel's queue of the port",
    "raise `maxconn` of the listener or `haproxy.maxconn`; find clients that leave connections "
    "open",
    ("vip-unheard",),
)


@recognises(BACKENDS_FULL, LISTENER_FULL)
def full_listeners(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Listeners without room for more connections, in themselves or in all of their backends."""
    for node, state in context.nodes:
        for listener in context.cluster.listeners:
            problem = full_problem(state, listener.name, listener.port)
            if problem is None:
                continue
            fix = full_hint([state], listener.name) or ""
            evidence = (f"{node.label}: {problem}",)
            if no_server_has_room(state, listener.name):
                yield Diagnosis(
                    BACKENDS_FULL.id,
                    (node.label,),
                    f"all backends of listener {listener.name} have their maximum number of "
                    "connections",
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
    "the result of each check in haproxy's statistics, with the HTTP status: 401 and 403 are "
    "answers of a server that is up and refuses requests without credentials, 404 is a wrong path, "
    "5xx is a server that is not ready",
    "start the servers; check the firewalls; correct `listeners[].check` (see "
    "[kubeadm](kubeadm.md))",
)


@recognises(BACKENDS_DOWN)
def backends(context: DiagnosisContext) -> Iterator[Diagnosis]:
    """Backends that are down, grouped by the result of their checks."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    checking = [(node.label, state) for node, state in context.nodes if state.backends]
    # During a check, the statistics of haproxy do not show the answer to the last one.
    answered = {_result(s): s for _, state in checking for s in state.backends if s.code}
    for label, state in checking:
        for server in state.backends:
            if not server.up and server.status not in ("no check", "MAINT"):
                result = answered.get(_result(server), server)
                servers = found.setdefault(check_outcome(result, _path(context, result)), {})
                name = f"{result.listener}/{result.name}{_words(result)}"
                servers.setdefault(name, []).append(label)
    names = [listener.name for listener in context.cluster.listeners]
    served = any(once_served(state, name) for _, state in checking for name in names)
    labels = [label for label, _ in checking]
    for (problem, general_fix), servers in found.items():
        partial = any(nodes != labels for nodes in servers.values())
        fix = UNEVEN if partial and general_fix in (READY, NO_ANSWER) else general_fix
        yield Diagnosis(
            BACKENDS_DOWN.id,
            (),
            f"{_count(servers)} down{' on some nodes' if partial else ''}: {problem}",
            f"{fix} ({BEFORE_KUBEADM})" if fix == READY and not served else fix,
            tuple(f"{', '.join(nodes)}: {server}" for server, nodes in servers.items()),
        )


def _result(server: BackendServer) -> tuple[str, str, str]:
    return server.listener, server.name, server.check


def check_outcome(server: BackendServer, path: str) -> tuple[str, str]:
    """Why a check fails, and the fix.

    Args:
        server: a server that is down.
        path: the path that an https check requests.
    """
    if server.code:
        return _answer(server.code, path)
    known = (outcome for code, outcome in OUTCOMES.items() if server.check.startswith(code))
    return next(known, ("their checks fail", READY))


def _answer(code: str, path: str) -> tuple[str, str]:
    """The same for an HTTP status; to an API server, haproxy is the user `system:anonymous`."""
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
        "3": (f"they redirect {path} ({code})", f"{correct}, or the port"),
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
