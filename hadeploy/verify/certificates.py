"""Whether clients that come through a VIP accept the API servers' certificates. Pure."""

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
# kubeadm's certificates last a year and are renewed by each upgrade.
EXPIRES_SOON = datetime.timedelta(days=14)
OVERLOADED = "is that API server overloaded or stopped?"
# More names than that are of no use.
_MOST_NAMES = 5

_TRUST = (
    "a kubectl that trusts one authority refuses the servers of the other, unless its kubeconfig "
    "has both, as while an authority is replaced"
)


@dataclass(frozen=True)
class Judgement:
    """What clients make of one certificate.

    Attributes:
        verdict: warn where they accept it.
        problem: follows "the API server's certificate".
        hint: what to do.
        valid_for: what it is valid for instead.
    """

    verdict: Verdict
    problem: str
    hint: str
    valid_for: str = field(default="", compare=False)


def backends_up(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> set[Endpoint]:
    """The backends that some node's haproxy sends connections to."""
    up = {
        (server.listener, server.name)
        for look in observed.values()
        for server in look.backends
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
    """A proof for each thing that is wrong, with the backends concerned; one where nothing is.

    Args:
        cluster: the inventory.
        certificates: as they were read.
        among: the backends that are judged.
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
        yield Proof(PROOF, "warn", what, hint="no connection could be made to it over SSH")


def _authorities(
    cluster: Cluster, certificates: Certificates, judged: Collection[Endpoint]
) -> Iterator[Proof]:
    """Clients of a listener get any of its servers."""
    labels = labels_of(cluster)
    for listener in cluster.listeners:
        behind = [(str(address), port) for _, address, port in backends_of(cluster, listener)]
        read = {e: c for e in behind if e in judged and (c := certificates.found.get(e))}
        first = next(iter(read.values()), None)
        others = [labels[e] for e, c in read.items() if first and not c.same_authority(first)]
        if others:
            same = [labels[e] for e in read if labels[e] not in others]
            what = f"the certificates on {several(others)} are of another authority than on "
            yield Proof(PROOF, "warn", f"{what}{several(same)}", hint=_TRUST)


def _silent_proofs(labels: list[str]) -> Iterator[Proof]:
    if labels:
        accept, answer = ("accept", "do") if len(labels) > 1 else ("accepts", "does")
        what = f"{several(labels)} {accept} connections and {answer} not answer"
        yield Proof(SILENT, "fail", what, hint=OVERLOADED)


def refused_listeners(
    cluster: Cluster, certificates: Certificates, among: Collection[Endpoint]
) -> list[Listener]:
    """The listeners behind which clients accept no backend's certificate.

    Args:
        cluster: the inventory.
        certificates: as they were read.
        among: the backends that are judged.
    """
    found = []
    for listener in cluster.listeners:
        behind = [(str(address), port) for _, address, port in backends_of(cluster, listener)]
        read = [certificates.found.get(endpoint) for endpoint in behind if endpoint in among]
        if read and all(one and _refused(cluster, one, certificates.at) for one in read):
            found.append(listener)
    return found


def _refused(cluster: Cluster, certificate: ServerCertificate, at: datetime.datetime) -> bool:
    judgement = judge_certificate(cluster, certificate, at)
    return certificate.of_api_server and judgement is not None and judgement.verdict == "fail"


def judge_certificate(
    cluster: Cluster, certificate: ServerCertificate, at: datetime.datetime
) -> Judgement | None:
    """What is wrong with the certificate of an API server; None if nothing is.

    Clients compare the address that they connect to with the IP addresses in subjectAltName alone:
    neither the common name nor a DNS name that looks like an address counts (RFC 6125, 6.4).

    Args:
        cluster: has the VIPs.
        certificate: the server's.
        at: the present time.
    """
    renewed = renew(certificate.distribution)
    if at >= certificate.ends:
        return Judgement("fail", f"expired on {certificate.ends:%Y-%m-%d}", renewed)
    if at < certificate.begins:
        hint = "is the time right, there and on this machine?"
        return Judgement("fail", f"is not valid before {certificate.begins:%Y-%m-%d %H:%M}", hint)
    missing = [str(vip.ip) for vip in cluster.vip if str(vip.ip) not in certificate.addresses]
    if missing:
        what = f"is not valid for {several(missing)}"
        names = [vip for vip in missing if vip in certificate.names]
        if names:
            be = "are" if len(names) > 1 else "is"
            what += f" ({several(names)} {be} in it as DNS name, not as IP address)"
        hint = add_addresses(certificate.distribution, missing)
        return Judgement("fail", f"{what}, so kubectl refuses it", hint, valid_for(certificate))
    if at >= certificate.ends - EXPIRES_SOON:
        return Judgement("warn", f"expires on {certificate.ends:%Y-%m-%d}", renewed)
    return None


def valid_for(certificate: ServerCertificate) -> str:
    """The addresses and names that a certificate has, the first of them."""
    names = (*certificate.addresses, *certificate.names)
    more = ", …" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more or "no address"


def _beside_api_servers(cluster: Cluster, certificates: Certificates) -> set[Endpoint]:
    """The backends of listeners with an API server: clients expect one behind each of them."""
    found: set[Endpoint] = set()
    for listener in cluster.listeners:
        behind = {(str(address), port) for _, address, port in backends_of(cluster, listener)}
        read = [certificates.found.get(endpoint) for endpoint in behind]
        if any(certificate and certificate.of_api_server for certificate in read):
            found |= behind
    return found


def labels_of(cluster: Cluster) -> dict[Endpoint, str]:
    """The backends by what people call them: a node's label, or an address and a port."""
    nodes = {str(node.address): node.label for node in cluster.nodes}
    found: dict[Endpoint, str] = {}
    for listener in cluster.listeners:
        for _, address, port in backends_of(cluster, listener):
            host = f"[{address}]" if address.version == 6 else str(address)
            found.setdefault((str(address), port), nodes.get(str(address), f"{host}:{port}"))
    return found


def several(words: list[str]) -> str:
    """A list for a sentence, each word once: `a, b and c`."""
    words = list(dict.fromkeys(words))
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
