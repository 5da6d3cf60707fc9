"""A snapshot of all nodes, compared with the inventory: the input of a status. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hadeploy.certificates.certificate import Certificates
from hadeploy.desired.desired_node import DesiredNode
from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.observe.applied import Applied
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.order import added_nodes
from hadeploy.plan.steps import Plan, Step
from hadeploy.rollout.unchanged import as_applied
from hadeploy.verify.proof import Proof


@dataclass(frozen=True)
class ClusterSnapshot:
    """The inventory, the observed nodes and the plan at one time.

    Attributes:
        desired: by node label.
        observed: the reachable nodes, by label.
        plan: the changes that `up` would make.
        unreachable: the errors of the other nodes, by label.
        certificates: of the backends that are up.
        here: the proofs of connections from this machine to the VIPs.
    """

    cluster: Cluster
    desired: Mapping[str, DesiredNode]
    observed: Mapping[str, ObservedNode]
    plan: Plan
    unreachable: Mapping[str, HadeployError]
    certificates: Certificates = field(default_factory=Certificates)
    here: Sequence[Proof] = ()

    @property
    def records(self) -> list[Applied]:
        """The records of all nodes that have one."""
        return [state.applied for state in self.observed.values() if state.applied]

    def steps(self, node: str) -> list[Step]:
        """The steps that `up` would perform on a node, in all its turns."""
        return [step for turn in self.plan.nodes if turn.node == node for step in turn.steps]

    def in_force(self) -> ClusterSnapshot:
        """The snapshot limited to what was applied; the rest is pending, not broken.

        It omits VIPs, listeners and nodes that were added to the inventory later, and expects the
        configuration that was applied last.
        """
        if not self.records:
            return self
        vips = {vip for record in self.records for vip in record.vips}
        ports = {port for record in self.records for port in record.ports}
        cluster = self.cluster.model_copy(
            update={
                "vip": tuple(v for v in self.cluster.vip if str(v.ip) in vips),
                "listeners": tuple(
                    i for i in self.cluster.listeners if i.port in ports or not ports
                ),
            }
        )
        addresses = {
            node.label: str(node.address)
            for node in self.cluster.nodes
            if node.label in self.observed
        }
        new = [n for n in added_nodes(addresses, self.observed) if not self.observed[n].applied]
        observed = {node: state for node, state in self.observed.items() if node not in new}
        desired = {
            node: as_applied(wanted, record) if (record := observed[node].applied) else wanted
            for node, wanted in self.desired.items()
            if node in observed
        }
        return dataclasses.replace(self, cluster=cluster, desired=desired, observed=observed)
