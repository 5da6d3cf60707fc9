"""Whether a client that comes through a VIP is answered as the backends answer. Pure."""

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
    "does haproxy talk to the backends in a way that they do not understand? look for send-proxy, "
    "ssl and mode in `templates`"
)
SOME_SERVERS = (
    "does every backend answer clients? haproxy's check may pass on a server that does not"
)
ON_PURPOSE = f"; if clients are to be answered so: `hadeploy up --skip {PROOF}`"


@dataclass(frozen=True)
class Supplied:
    """What stands behind a VIP and a port.

    Attributes:
        up: how many backends the VIP's holder sends connections to; where it is not known, the
            most that any node does.
        before: what was answered there when the last change was recorded; empty where that is not
            known, or does not count any more.
        tls: whether it has to be TLS, as the backends that are up speak it; False if none does,
            None if that is not known.
        known: whether haproxy has a section for the backends under the usual name.
        served: whether a client was answered when a change was recorded.
        full: what to do where it serves no further client now, having as many as it may; or "".
    """

    up: int
    before: frozenset[Answer] = frozenset()
    tls: bool | None = None
    known: bool = True
    served: bool = False
    full: str = ""

    def problem(self, answer: Answer) -> str | None:
        """Why an answer is none for a client, after its address; None if it is one.

        Args:
            answer: of an open connection.
        """
        if not self.up or not answer.reached:
            return None
        if answer.closed:
            return f"{answer.now}, although {_are_up(self.up)}"
        if self.tls:
            return None if answer.tls else f"{answer.now}, although the backends speak TLS"
        if self.before and not as_before(answer, self.before):
            past = " or ".join(sorted(a.past for a in self.before))
            return f"{answer.now}, and {past} when the last change was recorded"
        return None


def supplied(
    cluster: Cluster,
    observed: Mapping[str, ObservedNode],
    vip: str,
    listener: Listener,
    certificates: Certificates | None = None,
) -> Supplied:
    """What stands behind a VIP and a listener.

    Args:
        cluster: the inventory.
        observed: by node label.
        vip: without prefix.
        listener: one of the inventory's.
        certificates: of the backends that are up, where they were read.
    """
    if not _applied(observed, listener):
        return Supplied(0)
    looks = [observed[node] for node in holders([vip], observed.values())]
    looks = looks or list(observed.values())
    up = [names for look in looks if (names := _up(look, listener))]
    before = {answer for look in looks for answer in recorded_answers(look, listener.name)}
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
            # TLS that no backend speaks any more was given up on purpose.
            tls, before = False, {answer for answer in before if not answer.tls}
        elif all(read):
            # Clients of an API server speak TLS; with other servers haproxy may speak TLS for
            # clients that speak none.
            of_api_server = any(certificate and certificate.of_api_server for certificate in read)
            tls = True if of_api_server or not before else None
    return Supplied(
        up=max(map(len, up), default=0),
        before=frozenset(before),
        tls=tls,
        known=any(s.listener == section for look in looks for s in look.backends),
        served=any(listener.name in recorded_listeners(look) for look in looks),
        full=full_hint(looks, listener.name) or "",
    )


def _applied(observed: Mapping[str, ObservedNode], listener: Listener) -> bool:
    """Whether that port is that listener's now; a change of that may be pending."""
    applied = [
        (one.get("name"), one.get("port"))
        for look in observed.values()
        for one in applied_listeners(look.applied)
    ]
    return not applied or (listener.name, listener.port) in applied


def _up(look: ObservedNode, listener: Listener) -> list[str]:
    return [s.name for s in look.backends if s.listener == f"{listener.name}{SUFFIX}" and s.up]


def target_of(vip: IPInterface, listener: Listener) -> str:
    """A VIP and a port as a URL has them."""
    host = f"[{vip.ip}]" if vip.version == 6 else str(vip.ip)
    return f"{host}:{listener.port}"


def answer_proofs(
    cluster: Cluster, observed: Mapping[str, ObservedNode], certificates: Certificates
) -> Iterator[Proof]:
    """A proof for each VIP and listener of which it is known what the backends answer.

    A connection that does not open or is closed at once is a matter of the proofs of each node.

    Args:
        cluster: the inventory.
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
                for node, look in observed.items()
                if (answer := look.through.get((str(vip.ip), listener.port))) is not None
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
                seen = f"{target} {problem} (asked from {where})"
                yield Proof(PROOF, "fail", seen, hint=behind.full or hint)
            if answers and not wrong:
                said = next(iter(answers.values()))
                yield Proof(PROOF, "pass", f"{target} {said.now}, as the backends do")


def _nodes_by(
    answers: Mapping[str, Answer], problem_of: Callable[[Answer], str | None]
) -> dict[str, list[str]]:
    """The nodes with a problem, by that."""
    found: dict[str, list[str]] = {}
    for node, answer in answers.items():
        if problem := problem_of(answer):
            found.setdefault(problem, []).append(node)
    return found


def _some(answer: Answer) -> str | None:
    """What some connections are answered instead of a good answer."""
    return f"{Answer(answer.first).now}, for some connections" if answer.first else None


def _are_up(count: int) -> str:
    return "1 backend is up" if count == 1 else f"{count} backends are up"
