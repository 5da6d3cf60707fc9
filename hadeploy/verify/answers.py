"""Whether clients of a VIP get the answers of the backends. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from hadeploy.answers.answer import PROOF, Answer, as_before
from hadeploy.certificates.certificate import Certificates
from hadeploy.inventory.cluster import Cluster, IPInterface, Listener, backends_of
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.backends import SUFFIX
from hadeploy.plan.backends import recorded_listeners as applied_listeners
from hadeploy.plan.order import holders
from hadeploy.plan.recorded_answers import recorded_answers, recorded_listeners
from hadeploy.verify.capacity import full_hint
from hadeploy.verify.proof import Proof

NOT_UNDERSTOOD = (
    "check whether haproxy uses a protocol that the backends do not support: send-proxy, ssl and "
    "mode in `templates`"
)
SOME_SERVERS = (
    "check that every backend answers clients; haproxy's check may pass on a server that does not"
)
ON_PURPOSE = f"; if the new answer is intended: `hadeploy up --skip {PROOF}`"


@dataclass(frozen=True)
class Supplied:
    """The backends of a VIP and a port.

    Attributes:
        up: the number of backends that are up on the holder; without a holder, the maximum of all
            nodes.
        before: the answers that the last change recorded; empty if unknown or no longer relevant.
        tls: whether answers must be TLS, because the backends use it; False if none does, None if
            unknown.
        known: whether haproxy has a section with the default name for the backends.
        served: whether clients got an answer when the last change was recorded.
        full: the advice for a listener that has reached its maximum number of connections, or "".
    """

    up: int
    before: frozenset[Answer] = frozenset()
    tls: bool | None = None
    known: bool = True
    served: bool = False
    full: str = ""

    def problem(self, answer: Answer) -> str | None:
        """What is wrong with an answer, to follow the endpoint in a sentence; None if it is good.

        Args:
            answer: of an open connection.
        """
        if not self.up or not answer.reached:
            return None
        if answer.closed:
            return f"{answer.now}, although {_are_up(self.up)}"
        if self.tls:
            return None if answer.tls else f"{answer.now}, although the backends use TLS"
        if self.before and not as_before(answer, self.before):
            past = " or ".join(sorted(a.past for a in self.before))
            return f"{answer.now}, but {past} when the last change was recorded"
        return None


def supplied(
    cluster: Cluster,
    observed: Mapping[str, ObservedNode],
    vip: str,
    listener: Listener,
    certificates: Certificates | None = None,
) -> Supplied:
    """The backends of a VIP and a listener.

    Args:
        observed: by node label.
        vip: without prefix.
        listener: of the inventory.
        certificates: of the backends that are up, if they were read.
    """
    if not _applied(observed, listener):
        return Supplied(0)
    states = [observed[node] for node in holders([vip], observed.values())]
    states = states or list(observed.values())
    up = [names for state in states if (names := _up(state, listener))]
    before = {answer for state in states for answer in recorded_answers(state, listener.name)}
    serving = {name for names in up for name in names}
    section = f"{listener.name}{SUFFIX}"
    found = (certificates or Certificates()).found
    behind = [
        (str(address), port)
        for name, address, port in backends_of(cluster, listener)
        if name in serving
    ]
    read = [found[endpoint] for endpoint in behind if endpoint in found]
    tls = None
    if read and len(read) == len(behind):
        if not any(read):
            # If no backend uses TLS any more, that is intended.
            tls, before = False, {answer for answer in before if not answer.tls}
        elif all(read):
            # Clients of an API server use TLS. For other servers, haproxy may use TLS on behalf of
            # clients that do not.
            of_api_server = any(certificate and certificate.of_api_server for certificate in read)
            tls = True if of_api_server or not before else None
    return Supplied(
        up=max(map(len, up), default=0),
        before=frozenset(before),
        tls=tls,
        known=any(s.listener == section for state in states for s in state.backends),
        served=any(listener.name in recorded_listeners(state) for state in states),
        full=full_hint(states, listener.name) or "",
    )


def _applied(observed: Mapping[str, ObservedNode], listener: Listener) -> bool:
    """Whether the listener is applied on its port; a change may be pending."""
    applied = [
        (recorded.get("name"), recorded.get("port"))
        for state in observed.values()
        for recorded in applied_listeners(state.applied)
    ]
    return not applied or (listener.name, listener.port) in applied


def _up(state: ObservedNode, listener: Listener) -> list[str]:
    return [s.name for s in state.backends if s.listener == f"{listener.name}{SUFFIX}" and s.up]


def target_of(vip: IPInterface, listener: Listener) -> str:
    """A VIP and a port in the notation of a URL."""
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    return f"{host}:{listener.port}"


def answer_proofs(
    cluster: Cluster, observed: Mapping[str, ObservedNode], certificates: Certificates
) -> Iterator[Proof]:
    """A proof for each VIP and listener whose backends have known answers.

    The proofs of each node cover connections that do not open or are closed at once.

    Args:
        observed: by node label.
        certificates: of the backends that are up.
    """
    for vip in cluster.vip:
        for listener in cluster.listeners:
            behind = supplied(cluster, observed, str(vip.ip), listener, certificates)
            if not behind.up or not (behind.tls or behind.before):
                continue
            answers = {
                node: answer
                for node, state in observed.items()
                if (answer := state.vip_answers.get((str(vip.ip), listener.port))) is not None
                and answer.reached
                and not answer.closed
            }
            target = target_of(vip, listener)
            hint = NOT_UNDERSTOOD if behind.tls else NOT_UNDERSTOOD + ON_PURPOSE
            wrong = _nodes_by(answers, behind.problem)
            if not wrong:
                hint = SOME_SERVERS
                wrong = _nodes_by(answers, _some)
            for problem, nodes in wrong.items():
                where = ", ".join(nodes)
                message = f"{target} {problem} (from {where})"
                yield Proof(PROOF, "fail", message, hint=behind.full or hint)
            if answers and not wrong:
                answer = next(iter(answers.values()))
                yield Proof(PROOF, "pass", f"{target} {answer.now}, as the backends do")


def _nodes_by(
    answers: Mapping[str, Answer], problem_of: Callable[[Answer], str | None]
) -> dict[str, list[str]]:
    """The nodes with a problem, by problem."""
    found: dict[str, list[str]] = {}
    for node, answer in answers.items():
        if problem := problem_of(answer):
            found.setdefault(problem, []).append(node)
    return found


def _some(answer: Answer) -> str | None:
    """The bad answer of some connections, if others got a good one."""
    return f"{Answer(answer.first).now}, for some connections" if answer.first else None


def _are_up(count: int) -> str:
    return "1 backend is up" if count == 1 else f"{count} backends are up"
