"""Certificates for the stand-in API servers, like those of kubeadm."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# The names that kubeadm adds to the name and the address of the node (certificate `apiserver`).
SERVICE_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True)
class CertificateSpec:
    """The contents of a certificate.

    Attributes:
        addresses: IP addresses in subjectAltName.
        names: DNS names in subjectAltName.
        subject: the common name (CN) of the server.
        issuer: the common name of the authority.
        begins: days from now until it is valid; negative for the past.
        ends: days from now until it expires; negative for the past.
    """

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = SERVICE_NAMES
    subject: str = "kube-apiserver"
    issuer: str = "kubernetes"
    begins: float = -1
    ends: float = 365


def private_key_and_certificate(spec: CertificateSpec) -> bytes:
    """A new private key and its certificate, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in spec.names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(a)) for a in spec.addresses]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common_name(spec.subject))
        .issuer_name(_common_name(spec.issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=spec.begins))
        .not_valid_after(now + datetime.timedelta(days=spec.ends))
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
