"""The proofs that read the certificates of backends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from hadeploy.actions.run import Run, certificate_reader
from hadeploy.certificates.certificate import Certificates, Endpoint
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.verify.answers import answer_proofs
from hadeploy.verify.certificates import backends_up, certificate_proofs
from hadeploy.verify.proof import Proof


def accepted(run: Run, cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """Whether clients accept the certificates of the backends that are up."""
    return _of_backends(
        run, cluster, observed, lambda read, up: certificate_proofs(cluster, read, up)
    )


def answered(run: Run, cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """Whether the answers through the VIPs are those of the backends."""
    return _of_backends(
        run, cluster, observed, lambda read, _: answer_proofs(cluster, observed, read)
    )


def _of_backends(
    run: Run,
    cluster: Cluster,
    observed: Mapping[str, ObservedNode],
    proofs: Callable[[Certificates, Collection[Endpoint]], Iterable[Proof]],
) -> list[Proof]:
    up = backends_up(cluster, observed)
    if not up:
        return []
    run.reader = run.reader or certificate_reader(cluster, lambda: run.sessions)
    return list(proofs(run.reader.read(up), up))
