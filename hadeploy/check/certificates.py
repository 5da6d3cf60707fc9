"""Checks of the certificates of API servers. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hadeploy.certificates.certificate import Endpoint, ServerCertificate, endpoints
from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.inventory.cluster import Cluster, Listener, backends_of
from hadeploy.inventory.problems import printable
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.backends import listener_of
from hadeploy.verify.certificates import (
    PROOF,
    certificate_proofs,
    judge_certificate,
    labels_of,
    several,
    valid_for,
)
from hadeploy.verify.proof import Verdict

CORRECT = f"correct `backend_port` or `backends` of that listener; if intended: `--skip {PROOF}`"


@dataclass(frozen=True)
class NewServers:
    """A listener whose servers change.

    Attributes:
        listener: the listener in the inventory.
        before: the servers that are up in haproxy now.
        new: the servers that the inventory adds.
    """

    listener: Listener
    before: tuple[Endpoint, ...]
    new: tuple[Endpoint, ...]


API_CERTIFICATE = Check(
    "api-certificate",
    "certificates",
    "every API server that answers has a certificate that is valid now and contains the VIPs as "
    "IP addresses; otherwise a warning, because kubectl refuses it. `check` reads the certificate "
    "by a TLS handshake with each backend, through the SSH connection to a node; `verify`, "
    "`status` and `up` prove it for the backends that are up. If the servers of a listener "
    "change, `plan` and `up` also read the certificates: new servers with the certificate of "
    "another TLS service, which would replace or join API servers, are a failure. Other TLS "
    "services are not checked",
    "`apiServer.certSANs` in kubeadm's ClusterConfiguration, see [kubeadm](kubeadm.md); "
    "`tls-san` of k3s and RKE2",
)


@API_CERTIFICATE.of_cluster
def api_certificates(context: CheckContext) -> Iterator[Finding]:
    """The proof of `verify`, for every API server that answers, even if haproxy does not run."""
    read = context.certificates
    for proof in certificate_proofs(context.cluster, read, read.found):
        verdict: Verdict = "pass" if proof.verdict == "pass" else "warn"
        yield Finding(API_CERTIFICATE.id, None, verdict, proof.message, proof.hint)


def new_servers(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[NewServers]:
    """The listeners whose servers change.

    Only servers with addresses in the inventory count, so that no node decides where hadeploy
    connects.
    """
    known = {address for address, _ in endpoints(cluster)}
    known |= {str(node.address) for node in cluster.nodes}
    up: dict[str, set[Endpoint]] = {}
    all_now: dict[str, set[Endpoint]] = {}
    for state in observed.values():
        for server in state.backends:
            found = listener_of(cluster, state.applied, server.listener)
            endpoint = _endpoint(server.address)
            if found is None or endpoint is None or endpoint[0] not in known:
                continue
            all_now.setdefault(found[0].name, set()).add(endpoint)
            if server.up:
                up.setdefault(found[0].name, set()).add(endpoint)
    replaced = []
    for listener in cluster.listeners:
        wanted = [(str(address), port) for _, address, port in backends_of(cluster, listener)]
        new = tuple(e for e in wanted if e not in all_now.get(listener.name, ()))
        before = tuple(sorted(up.get(listener.name, ())))
        if before and new:
            replaced.append(NewServers(listener, before, new))
    return replaced


def compared_endpoints(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Endpoint]:
    """The servers whose certificates `new_api_servers` compares."""
    return [e for one in new_servers(cluster, observed) for e in (*one.before, *one.new)]


@API_CERTIFICATE.of_cluster
def new_api_servers(context: CheckContext) -> Iterator[Finding]:
    """Whether a TLS server that is not an API server would replace API servers."""
    read = context.certificates.found
    for one in new_servers(context.cluster, context.observed):
        yield from _refused_by_clients(context, one)
        ports = sorted({port for (_, port) in one.before if _of_api_server(read, one.before, port)})
        others = {e: c for e in one.new if (c := read.get(e)) and not c.of_api_server}
        if not ports or not others:
            continue
        (first, certificate), *_ = others.items()
        labels = labels_of(context.cluster)
        named = several([labels[e] for e in others])
        port = several([str(port) for port in sorted({port for _, port in others})])
        what, its = f"the server on {named}, port {port}, is not a Kubernetes API server", "its"
        if len(others) > 1:
            what = f"the servers on {named}, port {port}, are not Kubernetes API servers"
            its = f"{labels[first]}'s"
        what = f"{one.listener.name}: {what} ({its} certificate is for "
        what += f"{printable(_names(certificate))}); "
        what += (
            f"the current servers on port {several([str(port) for port in ports])} are API servers"
        )
        yield Finding(
            API_CERTIFICATE.id, None, "fail", what, CORRECT, operation="comparing the backends"
        )


def _refused_by_clients(context: CheckContext, one: NewServers) -> Iterator[Finding]:
    """New API servers that clients refuse, if they replace all servers that clients accept."""
    wanted = {(str(a), port) for _, a, port in backends_of(context.cluster, one.listener)}
    if wanted.intersection(one.before):
        return
    read, at = context.certificates.found, context.certificates.at

    def problem(certificate: ServerCertificate) -> str:
        judgement = judge_certificate(context.cluster, certificate, at)
        return judgement.problem if judgement and judgement.verdict == "fail" else ""

    old = [c for e in one.before if (c := read.get(e)) and c.of_api_server and not problem(c)]
    new = {e: c for e in one.new if (c := read.get(e)) and c.of_api_server}
    for endpoint, certificate in new.items() if old else ():
        why = problem(certificate)
        if not why and not any(certificate.same_authority(known) for known in old):
            why = "is of another authority than those of the current servers"
        if why:
            where = f"{labels_of(context.cluster)[endpoint]}, port {endpoint[1]}"
            what = f"{one.listener.name}: the certificate of the API server on {where}, {why}"
            yield Finding(
                API_CERTIFICATE.id, None, "fail", what, CORRECT, operation="comparing the backends"
            )
            return


def _of_api_server(
    read: Mapping[Endpoint, ServerCertificate | None], before: tuple[Endpoint, ...], port: int
) -> bool:
    certificates = (read.get(endpoint) for endpoint in before if endpoint[1] == port)
    return any(certificate and certificate.of_api_server for certificate in certificates)


def _names(certificate: ServerCertificate) -> str:
    return certificate.subject or valid_for(certificate)


def _endpoint(address: str) -> Endpoint | None:
    """Parse an address in haproxy's statistics; None if it is empty or invalid."""
    host, _, port = address.rpartition(":")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)
    except ValueError:
        return None
