"""What to do about an API server's certificate, by what has made it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hadeploy.certificates.certificate import Distribution


@dataclass(frozen=True)
class _Service:
    """How servers of a distribution are configured and restarted."""

    config: str
    restart: str


_SERVICES: Mapping[Distribution, _Service] = {
    "k3s": _Service("/etc/rancher/k3s/config.yaml", "systemctl restart k3s"),
    "rke2": _Service("/etc/rancher/rke2/config.yaml", "systemctl restart rke2-server"),
}


def renew(distribution: Distribution) -> str:
    """How a certificate that ends is renewed."""
    service = _SERVICES.get(distribution)
    if service:
        return f"`{service.restart}` on each of them, one after the other, renews it"
    return "`kubeadm certs renew apiserver` on each of them, then restart the API server"


def add_addresses(distribution: Distribution, vips: Sequence[str]) -> str:
    """How a certificate gets more addresses.

    Args:
        distribution: what has made it.
        vips: the addresses.
    """
    several = " and ".join(vips)
    service = _SERVICES.get(distribution)
    if service:
        return (
            f"add {several} to `tls-san` in {service.config} on every server (for a new one: "
            f"{' '.join(f'--tls-san {vip}' for vip in vips)}), then `{service.restart}`, one "
            "server after the other"
        )
    return (
        f"add {several} to `apiServer.certSANs` in kubeadm's ClusterConfiguration, remove "
        "apiserver.crt and apiserver.key from /etc/kubernetes/pki, run `kubeadm init phase certs "
        "apiserver --config FILE` and restart the API server (docs/kubeadm.md); for a new "
        f"cluster: `kubeadm init --apiserver-cert-extra-sans={','.join(vips)}`"
    )
