"""A run on a cluster: connected, waiting for the lock where somebody else has it."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.operator import Operator
from hadeploy.actions.preload import Preload, import_planning
from hadeploy.actions.result import Result
from hadeploy.check.catalogue import refuse_unknown
from hadeploy.errors import HadeployError, NodesError
from hadeploy.observe.gather import Depth, look_at_all, observation_script
from hadeploy.plan.inputs import Inputs, RunOptions
from hadeploy.plan.partial_rollout import refuse_minority, unknown_nodes
from hadeploy.progress import Progress
from hadeploy.rollout.reply_errors import LockedError, StaleError

if TYPE_CHECKING:
    from hadeploy.certificates.certificate import Certificates
    from hadeploy.certificates.reader import CertificateReader
    from hadeploy.check.registry import Asked
    from hadeploy.inventory.model import Cluster
    from hadeploy.observe.model import ObservedNode
    from hadeploy.plan.previous import Previous
    from hadeploy.remote.connect import Dialer
    from hadeploy.remote.session import Session
    from hadeploy.rollout.prepare import Prepared

Value = TypeVar("Value")

LOCK_POLL_SECONDS = 1.0
# As long as lib/lock.sh waits for it.
SCRIPT_SECONDS = 120
MOST_STALE = 3


def retry_when_locked(work: Callable[[], Value], progress: Progress, lock_wait: float) -> Value:
    """Do the work; while somebody else has the lock, wait and do it anew.

    So too, a few times, if somebody changed a node between the look and the lock; and what is
    left of a dead run is waited for in any case.

    Args:
        work: looks, plans and changes: what it planned before a wait is worth nothing after it.
        progress: told whom it waits for.
        lock_wait: seconds to wait at most.

    Returns:
        What the work does.

    Raises:
        LockedError: the other run had the lock for all that time.
        StaleError: the nodes kept changing.
    """
    started = time.monotonic()
    stale = 0
    while True:
        try:
            return work()
        except LockedError as error:
            patience = max(lock_wait, SCRIPT_SECONDS) if error.ending else lock_wait
            if time.monotonic() >= started + patience:
                raise
            progress.waiting(str(error))
            time.sleep(LOCK_POLL_SECONDS)
        except NodesError as error:
            stale += 1
            if stale > MOST_STALE or not all(isinstance(e, StaleError) for e in error.errors):
                raise
            progress.waiting(str(error))


def certificate_reader(
    cluster: Cluster, sessions: Callable[[], Mapping[str, Session]]
) -> CertificateReader:
    """What reads the backends' certificates; imported while the nodes are busy."""
    from hadeploy.certificates.reader import CertificateReader

    return CertificateReader(cluster, sessions)


@dataclass(frozen=True)
class _Look:
    """What was seen of the nodes.

    Attributes:
        script: by which.
        observed: by node label.
        errors: why the others could not be observed.
    """

    script: str
    observed: dict[str, ObservedNode]
    errors: list[HadeployError]


@dataclass
class Run:
    """A cluster that is connected."""

    inputs: Inputs
    operator: Operator
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
    ahead: _Look | None = None
    reader: CertificateReader | None = None
    listen: float = 0
    looked: frozenset[str] = frozenset()

    def look_ahead(self, depth: Depth, *, certificates: bool = False) -> None:
        """Begin with the look that `prepare` needs; what follows it is imported until then.

        Args:
            depth: how thorough to be.
            certificates: whether those of the backends are read at the same time.
        """
        script = observation_script(self.inputs.cluster, depth=depth, listen=self.listen)
        self.progress.phase("Observe")

        def meanwhile() -> None:
            if certificates:
                self.reader = certificate_reader(self.inputs.cluster, lambda: self.sessions)
                self.reader.begin()
            self.ready.finish()

        self.ahead = _Look(script, *look_at_all(self.sessions, script, meanwhile))

    def look_back(self) -> None:
        """Plan for the previous configuration from here on.

        Raises:
            HadeployError: the nodes do not keep one.
        """
        from hadeploy.plan.previous import previous_configuration

        cluster = self.inputs.cluster
        observed = self._look("Look back", observation_script(cluster, previous=True))
        self.previous = previous_configuration(cluster, observed)

    def prepare(self, *, check: bool, ask: bool = False) -> Prepared:
        """Observe and plan; where the plan calls for more checks, look again, and plan on that.

        Args:
            check: whether what would stand in the way of `up` is an error.
            ask: whether to ask also what `up` notices by itself, or is only warned of: whether
                registries have what is to be pulled, and who has the virtual_router_id.
        """
        cluster = (self.previous or self.inputs).cluster
        depth: Depth = "fresh" if check else ""
        script = observation_script(cluster, depth=depth, listen=self.listen)
        observed = self._look("Observe", script)
        prepared = self._plan(observed, check=check)
        if not (check and prepared.plan.changes):
            return prepared
        from hadeploy.check.needed import needed

        more = needed(cluster, prepared.plan, prepared.observed, self.choices.skip) - self.looked
        if not ask and cluster.vrrp.mode == "unicast":
            # It would be a warning only, and takes four seconds.
            more -= {"virtual-router-id"}
        if more:
            depth = "listening" if "virtual-router-id" in more else "changed"
            observed = self._look("Check", observation_script(cluster, depth=depth))
        asked = self._ask(prepared, observed) if ask and "image" not in self.choices.skip else {}
        if more or asked:
            prepared = self._plan(observed, check=check, asked=asked)
            # Only what was judged is not looked at again in this run.
            self.looked |= more
        return prepared

    def _plan(
        self,
        observed: dict[str, ObservedNode],
        *,
        check: bool,
        asked: Mapping[str, Mapping[str, Asked]] | None = None,
    ) -> Prepared:
        from hadeploy.certificates.certificate import Certificates
        from hadeploy.check.model import Answered
        from hadeploy.rollout.prepare import prepare

        self.progress.phase("Plan")
        return prepare(
            self.inputs,
            observed,
            check=check,
            choices=dataclasses.replace(self.choices, pruned=self.pruned, departing=self.departing),
            previous=self.previous,
            tell=functools.partial(self.result.add_findings, tell=self.operator.findings),
            answered=Answered(asked or {}, self._compared(observed) if check else Certificates()),
        )

    def _compared(self, observed: dict[str, ObservedNode]) -> Certificates:
        """The certificates of a listener's servers, where it gets others."""
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
        """What registries say of the images that the plan has nodes pull."""
        steps = [(turn.node, step) for turn in prepared.plan.nodes for step in turn.steps]
        pulling = {node: observed[node] for node, step in steps if step.action == "load-image"}
        if not pulling:
            return {}
        from hadeploy.images.registry import ask_registries

        inputs = dataclasses.replace(self.inputs, cluster=prepared.cluster)
        return ask_registries(inputs, pulling, self.sessions, self.progress)

    def _look(self, phase: str, script: str) -> dict[str, ObservedNode]:
        """Look at the nodes, unless that has just been done."""
        look, self.ahead = self.ahead, None
        if look is None or look.script != script:
            self.progress.phase(phase)
            look = _Look(script, *look_at_all(self.sessions, script))
        if look.errors:
            raise NodesError(look.errors)
        return look.observed


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
    """Connect to the nodes; connected for as long as the body lasts.

    Args:
        deployment: the cluster.
        result: given its name, and what checks find.
        choices: what the user says about this run.
        tolerant: whether to go on with the nodes that can be reached.
        least: how many are then enough.
        brief: whether nothing that is told on the way stays on the screen.
        imports: imports what is needed after the first look.
    """
    chosen = choices or RunOptions()
    operator = deployment.operator
    inputs = deployment.inputs()
    cluster = inputs.cluster
    result.cluster = cluster.name
    unknown_nodes(cluster, chosen.only, "--limit")
    unknown_nodes(cluster, chosen.without, "--allow-degraded")
    refuse_minority(cluster, chosen.without)
    refuse_unknown(chosen.skip, essential=False)
    dialer = deployment.dialer()
    from hadeploy.remote.connections import connected

    nodes = [node for node in cluster.nodes if node.label not in chosen.without]
    missing: dict[str, HadeployError] | None = {} if tolerant else None

    def work() -> None:
        imports(inputs)
        operator.while_connecting()

    ready = Preload(work)
    with (
        operator.progress(cluster, brief=brief) as progress,
        connected(
            dialer, progress, nodes, missing=missing, least=least, opening=ready.start
        ) as sessions,
    ):
        yield Run(
            inputs,
            operator,
            result,
            dialer,
            sessions,
            progress,
            chosen,
            ready,
            unreachable=missing if missing else {},
        )
