"""A connection to all nodes of a cluster, and the phases before a change."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.preload import Preload, import_planning
from hadeploy.actions.result import Result
from hadeploy.actions.user_interface import UserInterface
from hadeploy.check.catalogue import refuse_unknown
from hadeploy.errors import HadeployError, NodesError
from hadeploy.observe.gather import Depth, observation_script, observe_all
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.partial_rollout import refuse_minority, unknown_nodes
from hadeploy.progress import Progress

if TYPE_CHECKING:
    from hadeploy.certificates.certificate import Certificates
    from hadeploy.certificates.reader import CertificateReader
    from hadeploy.check.registry import Asked
    from hadeploy.inventory.cluster import Cluster
    from hadeploy.observe.observed_node import ObservedNode
    from hadeploy.plan.previous import Previous
    from hadeploy.remote.connect import Dialer
    from hadeploy.remote.session import Session
    from hadeploy.rollout.prepare import Prepared


def certificate_reader(
    cluster: Cluster, sessions: Callable[[], Mapping[str, Session]]
) -> CertificateReader:
    """A reader of the backends' certificates; its import takes place here, not at the start."""
    from hadeploy.certificates.reader import CertificateReader

    return CertificateReader(cluster, sessions)


@dataclass(frozen=True)
class _Observation:
    """One observation of all nodes.

    Attributes:
        script: the script that it is the reply to.
        observed: by node label.
        errors: one for each node that could not be observed.
    """

    script: str
    observed: dict[str, ObservedNode]
    errors: list[HadeployError]


@dataclass
class Run:
    """A connected cluster.

    Attributes:
        previous: the configuration before the last change, in a rollback.
        pruned: addresses of the former nodes that are pruned.
        departing: the pruned nodes that are not stopped yet, by address.
        unreachable: the connection errors, by node label.
        early: an observation for the next phase.
        reader: reads the backends' certificates.
        listen: seconds to listen for VRRP adverts; 0: as short as possible.
        checked: ids of the checks that this run has already made.
    """

    inputs: Inputs
    ui: UserInterface
    result: Result
    dialer: Dialer
    sessions: dict[str, Session]
    progress: Progress
    choices: RunOptions
    ready: Preload
    previous: Previous | None = None
    pruned: tuple[str, ...] = ()
    departing: Mapping[str, ObservedNode] = field(default_factory=dict)
    unreachable: dict[str, HadeployError] = field(default_factory=dict)
    early: _Observation | None = None
    reader: CertificateReader | None = None
    listen: float = 0
    checked: frozenset[str] = frozenset()

    def start_observing(self, depth: Depth, *, certificates: bool = False) -> None:
        """Observe the nodes for `prepare`, and import the modules of later phases meanwhile.

        Args:
            depth: thoroughness of the observation.
            certificates: also read the backends' certificates meanwhile.
        """
        script = observation_script(self.inputs.cluster, depth=depth, listen=self.listen)
        self.progress.phase("Observe")

        def meanwhile() -> None:
            if certificates:
                self.reader = certificate_reader(self.inputs.cluster, lambda: self.sessions)
                self.reader.begin()
            self.ready.finish()

        self.early = _Observation(script, *observe_all(self.sessions, script, meanwhile))

    def load_previous(self) -> None:
        """From now on, plan for the configuration before the last change.

        Raises:
            HadeployError: the nodes have no earlier configuration.
        """
        from hadeploy.plan.previous import previous_configuration

        cluster = self.inputs.cluster
        observed = self._observe("Read history", observation_script(cluster, previous=True))
        self.previous = previous_configuration(cluster, observed)

    def prepare(self, *, check: bool, ask: bool = False) -> Prepared:
        """Observe and plan; if the plan needs more checks, observe again and plan again.

        Args:
            check: raise an error for anything that would stop `up`.
            ask: also check that the images are in the registry, which `up` notices when it pulls
                them, and that the virtual_router_id is unused, of which `up` only warns.
        """
        cluster = (self.previous or self.inputs).cluster
        depth: Depth = "fresh" if check else ""
        script = observation_script(cluster, depth=depth, listen=self.listen)
        observed = self._observe("Observe", script)
        prepared = self._plan(observed, check=check)
        if not (check and prepared.plan.changes):
            return prepared
        from hadeploy.check.images import IMAGE
        from hadeploy.check.needed import needed
        from hadeploy.check.vip import VIRTUAL_ROUTER_ID

        more = needed(cluster, prepared.plan, prepared.observed, self.choices.skip) - self.checked
        if not ask and cluster.vrrp.mode == "unicast":
            # The check only warns, and takes four seconds.
            more -= {VIRTUAL_ROUTER_ID.id}
        if more:
            depth = "listening" if VIRTUAL_ROUTER_ID.id in more else "changed"
            observed = self._observe("Check", observation_script(cluster, depth=depth))
        asked = self._ask(prepared, observed) if ask and IMAGE.id not in self.choices.skip else {}
        if more or asked:
            prepared = self._plan(observed, check=check, asked=asked)
            # A later plan skips only checks that were evaluated.
            self.checked |= more
        return prepared

    def _plan(
        self,
        observed: dict[str, ObservedNode],
        *,
        check: bool,
        asked: Mapping[str, Mapping[str, Asked]] | None = None,
    ) -> Prepared:
        from hadeploy.certificates.certificate import Certificates
        from hadeploy.check.finding import Answered
        from hadeploy.rollout.prepare import prepare

        self.progress.phase("Plan")
        return prepare(
            self.inputs,
            observed,
            check=check,
            choices=dataclasses.replace(self.choices, pruned=self.pruned, departing=self.departing),
            previous=self.previous,
            report=functools.partial(self.result.add_findings, report=self.ui.findings),
            answered=Answered(
                asked or {},
                self._read_compared(observed) if check else Certificates(),
            ),
        )

    def _read_compared(self, observed: dict[str, ObservedNode]) -> Certificates:
        """The certificates of old and new backends of listeners whose backends change."""
        from hadeploy.certificates.certificate import Certificates
        from hadeploy.check.certificates import compared_endpoints
        from hadeploy.verify.certificates import PROOF

        cluster = (self.previous or self.inputs).cluster
        asked = [] if PROOF in self.choices.skip else compared_endpoints(cluster, observed)
        if not asked:
            return Certificates()
        self.reader = self.reader or certificate_reader(cluster, lambda: self.sessions)
        return self.reader.read(asked)

    def _ask(
        self, prepared: Prepared, observed: dict[str, ObservedNode]
    ) -> Mapping[str, Mapping[str, Asked]]:
        """The answers of registries about the images that nodes will pull."""
        steps = [(turn.node, step) for turn in prepared.plan.nodes for step in turn.steps]
        pulling = {node: observed[node] for node, step in steps if step.action == "load-image"}
        if not pulling:
            return {}
        from hadeploy.images.registry import ask_registries

        inputs = dataclasses.replace(self.inputs, cluster=prepared.cluster)
        return ask_registries(inputs, pulling, self.sessions, self.progress)

    def _observe(self, phase: str, script: str) -> dict[str, ObservedNode]:
        """Observe the nodes; reuse an early observation by the same script."""
        observation, self.early = self.early, None
        if observation is None or observation.script != script:
            self.progress.phase(phase)
            observation = _Observation(script, *observe_all(self.sessions, script))
        if observation.errors:
            raise NodesError(observation.errors)
        return observation.observed


@contextmanager
def connected_run(
    deployment: Deployment,
    result: Result,
    choices: RunOptions | None = None,
    *,
    tolerant: bool = False,
    least: int = 1,
    brief: bool = False,
    imports: Callable[[Inputs], object] = import_planning,
) -> Iterator[Run]:
    """Connect to the nodes for the duration of the body.

    Args:
        result: receives the cluster's name and the findings of checks.
        choices: options of this run.
        tolerant: continue without unreachable nodes.
        least: minimum number of reachable nodes.
        brief: clear the progress from the screen at the end.
        imports: imports the modules of later phases.
    """
    chosen = choices or RunOptions()
    ui = deployment.ui
    inputs = deployment.inputs()
    cluster = inputs.cluster
    result.cluster = cluster.name
    unknown_nodes(cluster, chosen.only, "--limit")
    unknown_nodes(cluster, chosen.without, "--allow-degraded")
    refuse_minority(cluster, chosen.without)
    refuse_unknown(chosen.skip, essential=False)
    nodes = [node for node in cluster.nodes if node.label not in chosen.without]
    dialer = deployment.dialer(nodes)
    from hadeploy.remote.connections import connected

    missing: dict[str, HadeployError] | None = {} if tolerant else None

    def work() -> None:
        imports(inputs)
        ui.while_connecting()

    ready = Preload(work)
    with (
        ui.progress(cluster, brief=brief) as progress,
        connected(
            dialer, progress, nodes, missing=missing, least=least, opening=ready.start
        ) as sessions,
    ):
        yield Run(
            inputs,
            ui,
            result,
            dialer,
            sessions,
            progress,
            chosen,
            ready,
            unreachable=missing if missing else {},
        )
