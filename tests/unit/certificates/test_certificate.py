"""What a server's certificate says."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from hadeploy.certificates.certificate import ServerCertificate, endpoints, parse_certificate
from hadeploy.lab.certificate import CertificateSpec, private_key_and_certificate
from tests.unit import builders


def certificate(spec: CertificateSpec) -> ServerCertificate:
    pem = private_key_and_certificate(spec)
    return parse_certificate(x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER))


def test_names_addresses_and_times_are_read() -> None:
    spec = CertificateSpec(("198.51.100.100", "2001:db8::64"), ("kubernetes", "n1"))
    read = certificate(spec)
    assert (read.subject, read.names) == ("kube-apiserver", ("kubernetes", "n1"))
    assert read.addresses == ("198.51.100.100", "2001:db8::64")
    now = datetime.datetime.now(datetime.timezone.utc)
    assert read.begins < now < read.ends


def test_an_unknown_version_is_no_certificate() -> None:
    pem = private_key_and_certificate(CertificateSpec())
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    version3, version6 = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"
    assert version3 in der
    with pytest.raises(ValueError, match="version"):
        parse_certificate(der.replace(version3, version6, 1))


def test_a_name_of_an_unsupported_kind_is_no_internal_error() -> None:
    pem = private_key_and_certificate(CertificateSpec(names=("ab",)))
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    # dNSName (RFC 5280, 4.2.1.6), and ediPartyName.
    assert b"\x82\x02ab" in der
    with pytest.raises(ValueError, match="not supported"):
        parse_certificate(der.replace(b"\x82\x02ab", b"\xa5\x02\x05\x00", 1))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (CertificateSpec(), True),
        (CertificateSpec(subject="k3s", names=("kubernetes.default.svc",)), True),
        (CertificateSpec(names=()), True),
        (CertificateSpec(subject="ingress.local", names=("ingress.local",)), False),
        (CertificateSpec(subject="web", names=("kubernetes-dashboard",)), False),
    ],
)
def test_the_certificate_of_an_api_server_is_distinguished_from_others(
    spec: CertificateSpec, expected: bool
) -> None:
    assert certificate(spec).of_api_server is expected


@pytest.mark.parametrize("garbage", [b"", b"\x30\x82", b"not a certificate"])
def test_what_is_no_certificate_is_an_error(garbage: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  OpenSSL's own words
        parse_certificate(garbage)


def test_a_backend_of_two_listeners_is_asked_once() -> None:
    cluster = builders.cluster(
        listeners=[{}, {"name": "other", "port": 9444, "backends": ["198.51.100.11"]}]
    )
    assert endpoints(cluster) == [(f"198.51.100.1{i}", 6443) for i in (1, 2, 3)]
