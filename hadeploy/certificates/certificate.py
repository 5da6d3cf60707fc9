"""The certificate of a server. Pure."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hadeploy.inventory.cluster import Cluster, backends_of

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

# An address and a port.
Endpoint = tuple[str, int]
# The program that creates and renews the certificates of API servers.
Distribution = Literal["kubeadm", "k3s", "rke2"]

# Certificates of API servers contain the names of their Service (`kubernetes.default.svc`), for
# clients in the cluster.
_SERVICE = "kubernetes.default"
_SUBJECT = "kube-apiserver"
# Prefix of the authority's common name, such as "k3s-server-ca@1700000000" → distribution.
_AUTHORITIES: Mapping[str, Distribution] = {"k3s-server-ca@": "k3s", "rke2-server-ca@": "rke2"}


@dataclass(frozen=True)
class ServerCertificate:
    """The certificate that a server presents to a client without SNI.

    Attributes:
        subject: the common name, or "".
        names: the DNS names in subjectAltName.
        addresses: the IP addresses in subjectAltName.
        begins: start of its validity.
        ends: end of its validity.
        issuer: the common name of the authority, or "".
        authority_key: the identifier of its key (RFC 5280, 4.2.1.1), or "".
    """

    subject: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    begins: datetime.datetime
    ends: datetime.datetime
    issuer: str = ""
    authority_key: str = ""

    @property
    def of_api_server(self) -> bool:
        """Whether it belongs to a Kubernetes API server, not to another TLS service."""
        return self.subject == _SUBJECT or any(name.startswith(_SERVICE) for name in self.names)

    def same_authority(self, other: ServerCertificate) -> bool:
        """Whether both have the same authority, as far as the certificates show.

        kubeadm names the authority of every cluster "kubernetes"; only the keys differ.
        """
        if self.authority_key and other.authority_key:
            return self.authority_key == other.authority_key
        return self.issuer == other.issuer

    @property
    def distribution(self) -> Distribution:
        """The distribution that created it; kubeadm if unknown."""
        known = (d for prefix, d in _AUTHORITIES.items() if self.issuer.startswith(prefix))
        return next(known, "kubeadm")


@dataclass(frozen=True)
class Certificates:
    """The certificates of backends.

    Attributes:
        at: the time of reading, by the clock of this machine.
        found: by backend; None for a backend that does not speak TLS. Backends without a
            connection are missing.
        silent: the backends that accepted a connection but did not answer; not in `found`.
    """

    at: datetime.datetime = datetime.datetime.min
    found: Mapping[Endpoint, ServerCertificate | None] = field(default_factory=dict)
    silent: frozenset[Endpoint] = frozenset()


def endpoints(cluster: Cluster) -> list[Endpoint]:
    """Every backend of every listener, once."""
    return list(
        dict.fromkeys(
            (str(address), port)
            for listener in cluster.listeners
            for _, address, port in backends_of(cluster, listener)
        )
    )


def parse_certificate(der: bytes) -> ServerCertificate:
    """Parse a certificate in DER (RFC 5280).

    Raises:
        ValueError: it is invalid.
    """
    # Imported only if a server speaks TLS: the import takes 10 ms.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    try:
        certificate = x509.load_der_x509_certificate(der)
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from error
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    try:
        kind = x509.SubjectAlternativeName
        alternatives = certificate.extensions.get_extension_for_class(kind).value
        names = tuple(alternatives.get_values_for_type(x509.DNSName))
        addresses = tuple(map(_address, alternatives.get_values_for_type(x509.IPAddress)))
    except x509.ExtensionNotFound:
        pass
    except (x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from error
    subjects = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    issuers = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return ServerCertificate(
        subject=str(subjects[0].value) if subjects else "",
        names=names,
        addresses=addresses,
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        issuer=str(issuers[0].value) if issuers else "",
        authority_key=_authority_key(certificate),
    )


def _authority_key(certificate: Certificate) -> str:
    from cryptography import x509  # noqa: PLC0415

    try:
        kind = x509.AuthorityKeyIdentifier
        found = certificate.extensions.get_extension_for_class(kind).value.key_identifier
    except (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ""
    return found.hex() if found else ""


def _address(address: object) -> str:
    """The address in the form of the inventory, such as the short form of IPv6."""
    return str(ipaddress.ip_address(str(address)))
