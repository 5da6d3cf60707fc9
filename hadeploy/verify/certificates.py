"""Whether clients of a VIP accept the certificates of the API servers. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from hadeploy.certificates.advice import add_addresses, renew
from hadeploy.certificates.certificate import Certificates, Endpoint, ServerCertificate
from hadeploy.inventory.cluster import Cluster, Listener, backends_of
from hadeploy.inventory.problems import printable
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.verify.proof import Proof, Verdict

PROOF = "api-certificate"
SILENT = "backends-answer"
# kubeadm's certificates are valid for a year, and each upgrade renews them.
EXPIRES_SOON = datetime.timedelta(days=14)
OVERLOADED = "check whether that API server is overloaded or stopped"
_MOST_NAMES = 5

_TRUST = (
    "kubectl refuses the servers of an authority that is not in its kubeconfig; during the "
    "replacement of an authority, the kubeconfig must contain both"
)


@dataclass(frozen=True)
class Judgement:
    """A problem of a certificate.

    Attributes:
        verdict: warn if clients still accept it.
        problem: follows "the API server's certificate".
        hint: what to do.
        valid_for: the addresses and names that it is valid for.
    """

    verdict: Verdict
    problem: str
    hint: str
    valid_for: str = field(default="", compare=False)


def backends_up(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[Endpoint]:
    """The backends that are up on any node."""
    up = {
        (server.listener, server.name)
        for state in observed.values()
        for server in state.backends
        if server.up
    }
    return {
        (str(address), port)
        for listener in cluster.listeners
        for name, address, port in backends_of(cluster, listener)
        if (f"{listener.name}-backend", name) in up
    }


def certificate_proofs(
    cluster: Cluster, certificates: Certificates, among: Collection[Endpoint]
) -> Iterator[Proof]:
    """A proof for each problem, with its backends, or one proof if there is no problem.

    Args:
        certificates: of the backends.
        among: the backends to judge.
    """
    accepted: list[str] = []
    wrong: dict[Judgement, list[str]] = {}
    unread: list[str] = []
    judged = _beside_api_servers(cluster, certificates)
    silent = certificates.silent & judged & set(among)
    for endpoint, label in labels_of(cluster).items():
        if endpoint not in among or endpoint in certificates.silent:
            continue
        if endpoint not in certificates.found:
            unread.append(label)
            continue
        certificate = certificates.found[endpoint]
        if certificate is None or endpoint not in judged:
            continue
        judgement = judge_certificate(cluster, certificate, certificates.at)
        if judgement:
            wrong.setdefault(judgement, []).append(label)
        else:
            accepted.append(label)
    for judgement, labels in wrong.items():
        what = f"the API server's certificate on {several(labels)} {judgement.problem}"
        if judgement.valid_for:
            what += f"; that of {labels[0]} is valid for {printable(judgement.valid_for)}"
        yield Proof(PROOF, judgement.verdict, what, hint=judgement.hint)
    if accepted and not wrong:
        vips = several([str(vip.ip) for vip in cluster.vip])
        what = f"the API servers' certificates on {several(accepted)} are valid for {vips}"
        yield Proof(PROOF, "pass", what)
    yield from _authorities(cluster, certificates, [e for e in judged if e in among])
    yield from _silent_proofs([label for e, label in labels_of(cluster).items() if e in silent])
    if unread and (accepted or wrong):
        what = f"the API server's certificate on {several(unread)} could not be read"
        yield Proof(PROOF, "warn", what, hint="the connection to it over SSH failed")


def _authorities(
    cluster: Cluster, certificates: Certificates, judged: Collection[Endpoint]
) -> Iterator[Proof]:
    """All servers of a listener should have certificates of the same authority."""
    labels = labels_of(cluster)
    for listener in cluster.listeners:
        behind = [(str(address), port) for _, address, port in backends_of(cluster, listener)]
        read = {e: c for e in behind if e in judged and (c := certificates.found.get(e))}
        first = next(iter(read.values()), None)
        others = [labels[e] for e, c in read.items() if first and not c.same_authority(first)]
        if others:
            same = [labels[e] for e in read if labels[e] not in others]
            what = f"the certificates on {several(others)} are from another authority than on "
            yield Proof(PROOF, "warn", f"{what}{several(same)}", hint=_TRUST)


def _silent_proofs(labels: list[str]) -> Iterator[Proof]:
    if labels:
        accept, answer = ("accept", "do") if len(labels) > 1 else ("accepts", "does")
        what = f"{several(labels)} {accept} connections but {answer} not answer"
        yield Proof(SILENT, "fail", what, hint=OVERLOADED)


def refused_listeners(
    cluster: Cluster, certificates: Certificates, among: Collection[Endpoint]
) -> list[Listener]:
    """The listeners for which clients refuse the certificates of all backends.

    Args:
        certificates: of the backends.
        among: the backends to judge.
    """
    found = []
    for listener in cluster.listeners:
        behind = [(str(address), port) for _, address, port in backends_of(cluster, listener)]
        read = [certificates.found.get(endpoint) for endpoint in behind if endpoint in among]
        if read and all(cert and _refused(cluster, cert, certificates.at) for cert in read):
            found.append(listener)
    return found


def _refused(cluster: Cluster, certificate: ServerCertificate, at: datetime.datetime) -> bool:
    judgement = judge_certificate(cluster, certificate, at)
    return certificate.of_api_server and judgement is not None and judgement.verdict == "fail"


def judge_certificate(
    cluster: Cluster, certificate: ServerCertificate, at: datetime.datetime
) -> Judgement | None:
    """The problem of the certificate of an API server; None if there is none.

    Clients compare the address that they connect to with the IP addresses in subjectAltName only,
    not with the common name or a DNS name that looks like an address (RFC 6125, 6.4).

    Args:
        cluster: the inventory, with the VIPs.
        certificate: of the server.
        at: the current time.
    """
    renewed = renew(certificate.distribution)
    if at >= certificate.ends:
        return Judgement("fail", f"expired on {certificate.ends:%Y-%m-%d}", renewed)
    if at < certificate.begins:
        hint = "check the clocks of that server and of this machine"
        return Judgement("fail", f"is not valid before {certificate.begins:%Y-%m-%d %H:%M}", hint)
    missing = [str(vip.ip) for vip in cluster.vip if str(vip.ip) not in certificate.addresses]
    if missing:
        what = f"is not valid for {several(missing)}"
        names = [vip for vip in missing if vip in certificate.names]
        if names:
            what += f" (it contains {several(names)} as DNS name, not as IP address)"
        hint = add_addresses(certificate.distribution, missing)
        return Judgement("fail", f"{what}, so kubectl refuses it", hint, valid_for(certificate))
    if at >= certificate.ends - EXPIRES_SOON:
        return Judgement("warn", f"expires on {certificate.ends:%Y-%m-%d}", renewed)
    return None


def valid_for(certificate: ServerCertificate) -> str:
    """The first addresses and names of a certificate."""
    names = (*certificate.addresses, *certificate.names)
    more = ", …" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more or "no address"


def _beside_api_servers(cluster: Cluster, certificates: Certificates) -> set[Endpoint]:
    """All backends of listeners with an API server; clients expect API servers there."""
    found: set[Endpoint] = set()
    for listener in cluster.listeners:
        behind = {(str(address), port) for _, address, port in backends_of(cluster, listener)}
        read = [certificates.found.get(endpoint) for endpoint in behind]
        if any(certificate and certificate.of_api_server for certificate in read):
            found |= behind
    return found


def labels_of(cluster: Cluster) -> dict[Endpoint, str]:
    """The names of backends in messages: the label of a node, or address and port."""
    nodes = {str(node.address): node.label for node in cluster.nodes}
    found: dict[Endpoint, str] = {}
    for listener in cluster.listeners:
        for _, address, port in backends_of(cluster, listener):
            host = f"[{address}]" if address.version == 6 else str(address)
            found.setdefault((str(address), port), nodes.get(str(address), f"{host}:{port}"))
    return found


def several(words: list[str]) -> str:
    """A list in a sentence, without duplicates: `a, b and c`."""
    words = list(dict.fromkeys(words))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
