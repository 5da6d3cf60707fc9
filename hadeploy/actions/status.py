"""`status`: snapshots of the cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hadeploy.actions.run import Run, certificate_reader
from hadeploy.certificates.reader import CertificateReader
from hadeploy.check.our_folder import moved_folders
from hadeploy.errors import HadeployError, NodesError
from hadeploy.observe.gather import PROBE_SECONDS, observation_script
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.rolling import make_plan
from hadeploy.rollout.desired_state import desired_state
from hadeploy.status.poller import NodePoller
from hadeploy.status.snapshot import ClusterSnapshot
from hadeploy.verify.certificates import backends_up
from hadeploy.verify.from_here import elsewhere, from_here
from hadeploy.verify.proof import Proof

# `status --watch` shows a node as unreachable after this time.
PATIENCE_SECONDS = 10.0


def snapshots(run: Run, every: float | None, *, here: bool) -> Iterator[ClusterSnapshot]:
    """Observe the nodes once or repeatedly; a slow node does not delay the others.

    Args:
        every: seconds between two observations; None for one observation.
        here: also send requests to the VIPs from this machine.

    Raises:
        NodesError: the files on a node are in another directory than the inventory has.
    """
    script = observation_script(run.inputs.cluster, versions=True, listen=PROBE_SECONDS)
    timeout = None if every is None else PATIENCE_SECONDS
    with NodePoller(run.dialer, run.sessions, run.unreachable, script, timeout) as nodes:
        run.progress.phase("Observe")
        reader = certificate_reader(run.inputs.cluster, lambda: nodes.sessions)

        def meanwhile() -> None:
            reader.begin()
            run.ready.finish()

        first = _snapshot(run.inputs, reader, *nodes.observe(meanwhile), here=here)
        if every is None:
            yield first
            return
        with run.progress.aside():
            yield first
            while True:
                time.sleep(every)
                yield _snapshot(run.inputs, reader, *nodes.observe(reader.begin), here=here)


def _snapshot(
    inputs: Inputs,
    reader: CertificateReader,
    observed: Mapping[str, ObservedNode],
    unreachable: Mapping[str, HadeployError],
    *,
    here: bool,
) -> ClusterSnapshot:
    """One observation together with the desired state."""
    cluster = inputs.cluster
    if moved := moved_folders(cluster, observed):
        raise NodesError([finding.error() for finding in moved])
    desired = desired_state(inputs, cluster, observed, inputs.password)
    plan = make_plan(cluster, desired, observed)
    snapshot = ClusterSnapshot(cluster, desired, observed, plan, unreachable)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: _from_here(snapshot) if here else [])
        certificates = reader.read(backends_up(cluster, observed))
    return replace(snapshot, certificates=certificates, here=asked.result())


def _from_here(snapshot: ClusterSnapshot) -> list[Proof]:
    """Proofs of the answers of the applied VIPs, if this machine is on their network."""
    if not snapshot.records or elsewhere(snapshot.cluster):
        return []
    applied = snapshot.in_force()
    return from_here(applied.cluster, applied.observed)
