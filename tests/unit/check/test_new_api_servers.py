"""Other TLS servers do not replace API servers."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import pytest

from hadeploy.certificates.certificate import Certificates, Endpoint, ServerCertificate
from hadeploy.check.certificates import compared_endpoints, new_api_servers
from hadeploy.check.finding import CheckContext
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import BackendServer
from tests.unit import builders
from tests.unit.nodes import Node

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)
LATER = NOW + datetime.timedelta(days=300)
API = ServerCertificate("kube-apiserver", ("kubernetes",), (builders.VIP,), NOW, LATER)
KUBELET = ServerCertificate("n1@1700000000", ("n1",), (), NOW, LATER)
ADDRESSES = tuple(f"198.51.100.1{i}" for i in (1, 2, 3))
API_PORT, KUBELET_PORT = 6443, 10250


def on(port: int, *addresses: str) -> list[Endpoint]:
    return [(address, port) for address in addresses or ADDRESSES]


def seen(status: str = "UP", host: str = "198.51.100.1") -> dict[str, Node]:
    """Three nodes that serve port 6443 of the nodes."""
    backends = tuple(
        BackendServer("kube-apiserver-backend", f"n{i}", status, address=f"{host}{i}:{API_PORT}")
        for i in (1, 2, 3)
    )
    looks = builders.healthy(builders.cluster())
    return {node: dataclasses.replace(look, backends=backends) for node, look in looks.items()}


def with_listener(**listener: Any) -> Cluster:
    return builders.cluster(listeners=[listener])


def test_only_new_servers_are_compared_with_those_that_are_up() -> None:
    assert compared_endpoints(builders.cluster(), seen()) == []
    other = with_listener(backend_port=KUBELET_PORT)
    assert compared_endpoints(other, seen()) == [*on(API_PORT), *on(KUBELET_PORT)]
    assert compared_endpoints(other, seen("DOWN")) == []
    # Servers outside the inventory are not asked, even if a node names them.
    assert compared_endpoints(other, seen(host="192.0.2.1")) == []


REPLACED = (
    "kube-apiserver: the servers on n1, n2 and n3, port 10250, are not Kubernetes API servers "
    "(n1's certificate is for n1@1700000000); the current servers on port 6443 are API servers"
)
JOINED = (
    "kube-apiserver: the server on n3, port 10250, is not a Kubernetes API server (its certificate "
    "is for n1@1700000000); the current servers on port 6443 are API servers"
)


@pytest.mark.parametrize(
    ("listener", "before", "after", "expected"),
    [
        ({"backend_port": KUBELET_PORT}, API, KUBELET, [REPLACED]),
        (
            {"backends": [*ADDRESSES[:2], f"{ADDRESSES[2]}:{KUBELET_PORT}"]},
            API,
            KUBELET,
            [JOINED],
        ),
        ({"backend_port": KUBELET_PORT}, API, API, []),
        ({"backend_port": KUBELET_PORT}, API, None, []),
        ({"backend_port": KUBELET_PORT}, KUBELET, KUBELET, []),
        ({"backend_port": KUBELET_PORT}, None, KUBELET, []),
    ],
)
def test_other_tls_services_do_not_replace_api_servers(
    listener: dict[str, Any],
    before: ServerCertificate | None,
    after: ServerCertificate | None,
    expected: list[str],
) -> None:
    cluster, observed = with_listener(**listener), seen()
    read = {**dict.fromkeys(on(API_PORT), before), **dict.fromkeys(on(KUBELET_PORT), after)}
    found = list(
        new_api_servers(CheckContext(cluster, observed, certificates=Certificates(NOW, read)))
    )
    assert [f.message for f in found] == expected
    assert all((f.check, f.verdict, f.node) == ("api-certificate", "fail", None) for f in found)
    # Where they cannot be read, nothing is refused.
    assert list(new_api_servers(CheckContext(cluster, observed))) == []


OTHER_PORT = 7443


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"addresses": ()}, "is not valid for 198.51.100.100, so kubectl refuses it"),
        ({"ends": NOW}, "expired on 2026-06-01"),
        (
            {"issuer": "staging-ca", "authority_key": ""},
            "is of another authority than those of the current servers",
        ),
        ({"authority_key": "0b"}, "is of another authority than those of the current servers"),
    ],
)
def test_api_servers_that_clients_refuse_do_not_replace_those_that_they_accept(
    changes: dict[str, Any], why: str
) -> None:
    served = dataclasses.replace(API, issuer="kubernetes", authority_key="0a")
    new = dataclasses.replace(served, **changes)
    cluster = with_listener(name="kube-apiserver", backend_port=OTHER_PORT)
    found = {**dict.fromkeys(on(API_PORT), served), **dict.fromkeys(on(OTHER_PORT), new)}
    context = CheckContext(cluster, seen(), certificates=Certificates(found=found, at=NOW))
    reported = [finding.message for finding in new_api_servers(context)]
    assert [why in one for one in reported] == ([True] if why else [])
