"""How to change the certificate of an API server, by Kubernetes distribution. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadeploy.certificates.certificate import Distribution


@dataclass(frozen=True)
class _Service:
    """The configuration file and the restart command of a distribution."""

    config: str
    restart: str


_SERVICES: Mapping[Distribution, _Service] = {
    "k3s": _Service("/etc/rancher/k3s/config.yaml", "systemctl restart k3s"),
    "rke2": _Service("/etc/rancher/rke2/config.yaml", "systemctl restart rke2-server"),
}


def renew(distribution: Distribution) -> str:
    """How to renew a certificate."""
    service = _SERVICES.get(distribution)
    if service:
        return f"renew it: `{service.restart}` on one server after the other"
    return "renew it: `kubeadm certs renew apiserver` on each server, then restart the API server"


def add_addresses(distribution: Distribution, vips: Sequence[str]) -> str:
    """How to add addresses to a certificate."""
    addresses = " and ".join(vips)
    service = _SERVICES.get(distribution)
    if service:
        return (
            f"add {addresses} to `tls-san` in {service.config} on every server (for a new server: "
            f"{' '.join(f'--tls-san {vip}' for vip in vips)}), then `{service.restart}` on one "
            "server after the other"
        )
    return (
        f"add {addresses} to `apiServer.certSANs` in kubeadm's ClusterConfiguration, remove "
        "apiserver.crt and apiserver.key from /etc/kubernetes/pki, run `kubeadm init phase certs "
        "apiserver --config FILE` and restart the API server (docs/kubeadm.md); for a new "
        f"cluster: `kubeadm init --apiserver-cert-extra-sans={','.join(vips)}`"
    )
