"""The proofs that read the certificates of backends."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hadeploy.actions.run import Run, certificate_reader
from hadeploy.certificates.certificate import Certificates, Endpoint
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.verify.answers import answer_proofs
from hadeploy.verify.certificates import backends_up, certificate_proofs
from hadeploy.verify.proof import Proof


def accepted(run: Run, cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """Whether clients accept the certificates of the backends that are up.

    Args:
        run: the connections.
        cluster: the inventory, or the configuration before the last change.
        observed: by node label.
    """
    up = backends_up(cluster, observed)
    return list(certificate_proofs(cluster, _certificates(run, cluster, up), up)) if up else []


def answered(run: Run, cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Proof]:
    """Whether the answers through the VIPs are those of the backends.

    Args:
        run: the connections.
        cluster: the inventory, or the configuration before the last change.
        observed: by node label.
    """
    up = backends_up(cluster, observed)
    return list(answer_proofs(cluster, observed, _certificates(run, cluster, up))) if up else []


def _certificates(run: Run, cluster: Cluster, up: Collection[Endpoint]) -> Certificates:
    run.reader = run.reader or certificate_reader(cluster, lambda: run.sessions)
    return run.reader.read(up)
