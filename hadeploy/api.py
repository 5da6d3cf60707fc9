"""The commands as functions: typed results, nothing is printed.

```python
from hadeploy import api

cluster = api.load("inventory.yaml")
result = api.up(cluster)
assert not api.failed(result.proofs)
```

Each function raises HadeployError: its `code` is the kind of error; it names the node, the
operation, what came back and what to do next. Events and questions go to the user interface that
you pass to `load`. Parameters that many functions have:

- choices, skip: options of this run; names of checks or proofs to leave out (docs/checks.md).
- timeout: seconds until all proofs must pass.
- lock_wait: seconds to wait for the lock of another run.
- consent: skip the confirmation.
- result: receives the findings and changes, also those before an error; default: a new one.

Each function shows the phases of its command; `actions` implements them. Modules that only later
phases need are imported inside the functions, while the nodes are busy: imports take half the time
of a run without changes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from hadeploy.actions.deployment import Deployment
from hadeploy.actions.deployment import load as _load
from hadeploy.actions.imports import import_plan, import_proofs, import_status, import_up
from hadeploy.actions.result import Result
from hadeploy.actions.run import Run, connected_run
from hadeploy.actions.user_interface import Unattended, UserInterface
from hadeploy.drill.options import DrillOptions
from hadeploy.logs.options import LogOptions
from hadeploy.observe.gather import listen_seconds
from hadeploy.plan.inputs import RunOptions
from hadeploy.verify.proof import failed

if TYPE_CHECKING:
    from pathlib import Path

    from hadeploy.actions.plan import Planned
    from hadeploy.check.finding import Finding
    from hadeploy.desired.desired_node import DesiredNode
    from hadeploy.drill.record import DrillRecord
    from hadeploy.images.load import Delivery
    from hadeploy.logs.follow import Notice
    from hadeploy.logs.lines import Line
    from hadeploy.logs.read import Reading
    from hadeploy.status.snapshot import ClusterSnapshot
    from hadeploy.support.collect import Report

__all__ = [
    "Deployment",
    "DrillOptions",
    "LogOptions",
    "Result",
    "RunOptions",
    "Unattended",
    "UserInterface",
    "check",
    "connect",
    "down",
    "drain",
    "drill",
    "failed",
    "follow_logs",
    "load",
    "logs",
    "plan",
    "push_images",
    "render",
    "save_images",
    "status",
    "support",
    "undrain",
    "unlock",
    "up",
    "verify",
    "watch",
]

TIMEOUT_SECONDS = 30.0


def load(
    inventory: str | None = None,
    ui: UserInterface | None = None,
    *,
    accept_new_host_keys: bool = False,
    ask_sudo_password: bool = False,
) -> Deployment:
    """Load an inventory.

    Args:
        inventory: its path; None: $HADEPLOY_INVENTORY, or inventory.yaml in this folder.
        ui: receives events and answers questions; default: Unattended.
        accept_new_host_keys: add unknown host keys to known_hosts; changed keys are always refused.
        ask_sudo_password: ask for the sudo password instead of resolving it.

    Raises:
        HadeployError: every mistake with its file and line.
    """
    return _load(
        inventory,
        ui or Unattended(),
        accept_new_host_keys=accept_new_host_keys,
        ask_sudo_password=ask_sudo_password,
    )


def check(
    deployment: Deployment, *, skip: tuple[str, ...] = (), result: Result | None = None
) -> list[Finding]:
    """Check that the nodes meet the requirements (read-only)."""
    from hadeploy.actions.check import check_nodes

    return check_nodes(deployment, skip, result or Result())


def plan(
    deployment: Deployment,
    choices: RunOptions | None = None,
    *,
    rollback: bool = False,
    result: Result | None = None,
) -> Planned:
    """Show what `up` would change, and why (read-only); `rollback` is that of `up`."""
    with connected_run(deployment, result or Result(), choices, imports=import_plan) as run:
        run.start_observing("fresh")
        if rollback:
            run.load_previous()
        from hadeploy.actions.plan import make

        return make(run)


def up(
    deployment: Deployment,
    choices: RunOptions | None = None,
    *,
    timeout: float = TIMEOUT_SECONDS,
    lock_wait: float = 0.0,
    rollback: bool = False,
    consent: bool = False,
    result: Result | None = None,
) -> Result:
    """Apply the inventory and verify the result.

    With `rollback`, apply the configuration before the last change. With `consent`, remove ports
    and VIPs from clients, and undo changes of other users, without a question.

    Returns:
        The result; `failed(result.proofs)` is empty if clients are served.
    """
    result = result or Result()
    with connected_run(deployment, result, choices, imports=import_up) as run:
        run.start_observing("fresh", certificates=True)
        if rollback:
            run.load_previous()
        from hadeploy.actions.up import bring_up

        bring_up(run, timeout, lock_wait, consent=consent)
    return result


def down(
    deployment: Deployment,
    choices: RunOptions | None = None,
    *,
    lock_wait: float = 0.0,
    consent: bool = False,
    result: Result | None = None,
) -> tuple[str, ...]:
    """Remove the containers, the VIP and the files that hadeploy created.

    Of the choices, `forget` and `without` count.

    Returns:
        The nodes that were skipped: those of `without`, and former nodes.
    """
    from hadeploy.actions.down import take_down

    choices = choices or RunOptions()
    return take_down(deployment, result or Result(), choices, lock_wait, consent=consent)


def render(deployment: Deployment, *, result: Result | None = None) -> Mapping[str, DesiredNode]:
    """The files and containers that `up` would install, by node label (read-only)."""
    with connected_run(deployment, result or Result()) as run:
        return run.prepare(check=False).desired


def verify(
    deployment: Deployment,
    *,
    timeout: float = TIMEOUT_SECONDS,
    skip: tuple[str, ...] = (),
    result: Result | None = None,
) -> Result:
    """Verify that clients are served (read-only)."""
    result = result or Result()
    choices = RunOptions(skip=skip)
    with connected_run(deployment, result, choices, tolerant=True, imports=import_proofs) as run:
        run.listen = listen_seconds(run.inputs.cluster)
        run.start_observing("", certificates=True)
        prepared = run.prepare(check=False)
        from hadeploy.actions.prove import prove

        prove(
            run,
            prepared,
            timeout,
            latest=prepared.observed,
            certificates_too=True,
            always_diagnose=True,
        )
    return result


def status(
    deployment: Deployment, *, skip: tuple[str, ...] = (), result: Result | None = None
) -> ClusterSnapshot:
    """Observe the cluster once (read-only); the snapshot names unreachable nodes."""
    with closing(watch(deployment, None, skip=skip, result=result)) as snapshots:
        return next(snapshots)


def watch(
    deployment: Deployment,
    every: float | None,
    *,
    skip: tuple[str, ...] = (),
    result: Result | None = None,
) -> Generator[ClusterSnapshot, None, None]:
    """Observe the cluster at an interval of `every` seconds, or once (read-only)."""
    with connected_run(
        deployment,
        result or Result(),
        RunOptions(skip=skip),
        tolerant=True,
        least=0,
        brief=True,
        imports=import_status,
    ) as run:
        from hadeploy.actions.status import snapshots

        yield from snapshots(run, every, here=not skip)


def logs(
    deployment: Deployment, options: LogOptions | None = None, *, nodes: tuple[str, ...] = ()
) -> Reading:
    """Read the logs of the containers on some or all nodes, sorted by time (read-only).

    Returns:
        The lines; its `errors` has the nodes and logs that could not be read.

    Raises:
        NodesError: no node can be reached.
    """
    from hadeploy.actions.logs import read_logs

    return read_logs(deployment, options or LogOptions(), nodes)


def follow_logs(
    deployment: Deployment, options: LogOptions | None = None, *, nodes: tuple[str, ...] = ()
) -> Generator[Line | Notice, None, None]:
    """Read the logs as `logs` does, and then each new line (read-only).

    Reconnects to nodes that it loses. Close the generator to stop.

    Yields:
        Lines; a Notice reports that a node or a container is unavailable, or available again.

    Raises:
        NodesError: no node can be followed any longer.
    """
    from hadeploy.actions.logs import follow_logs as follow

    yield from follow(deployment, options or LogOptions(), nodes)


def support(deployment: Deployment, *, result: Result | None = None) -> Report:
    """Collect diagnostics from the nodes for a bug report (read-only).

    Returns:
        The diagnostics, with secrets; its `errors` has the failures, and its `redactor` removes the
        secrets.
    """
    from hadeploy.actions.support import collect_report

    return collect_report(deployment, result or Result())


def drain(
    deployment: Deployment,
    node: str,
    *,
    timeout: float = TIMEOUT_SECONDS,
    lock_wait: float = 0.0,
    skip: tuple[str, ...] = (),
    result: Result | None = None,
) -> Result:
    """Hand the VIP over and keep it off a node, for maintenance."""
    from hadeploy.answers.answer import PROOF_HERE
    from hadeploy.rollout import drain as changes

    change = partial(changes.drain, asks=PROOF_HERE not in skip)
    return _drain(deployment, node, change, timeout, lock_wait, RunOptions(skip=skip), result)


def undrain(
    deployment: Deployment,
    node: str,
    *,
    timeout: float = TIMEOUT_SECONDS,
    lock_wait: float = 0.0,
    result: Result | None = None,
) -> Result:
    """Allow the VIP on a node again."""
    from hadeploy.rollout import drain as changes

    return _drain(deployment, node, changes.undrain, timeout, lock_wait, RunOptions(), result)


def _drain(
    deployment: Deployment,
    node: str,
    change: Callable[..., bool],
    timeout: float,
    lock_wait: float,
    choices: RunOptions,
    result: Result | None,
) -> Result:
    from hadeploy.actions.drain import change_drain

    result = result or Result()
    with connected_run(deployment, result, choices) as run:
        change_drain(run, node, change, timeout, lock_wait)
    return result


def drill(
    deployment: Deployment,
    scenarios: Sequence[str] = (),
    options: DrillOptions | None = None,
    *,
    lock_wait: float = 0.0,
    consent: bool = False,
    result: Result | None = None,
) -> DrillRecord:
    """Run failover tests: cause a failure, measure the outage, and repair it.

    `hadeploy drill --help` lists the scenarios; default: the first one.
    """
    from hadeploy.actions.drill import run_drill
    from hadeploy.drill.scenarios import select_scenarios

    options = options or DrillOptions()
    wanted = select_scenarios(scenarios, options.allowed)
    with connected_run(deployment, result or Result()) as run:
        return run_drill(run, wanted, options, lock_wait, consent=consent)


def save_images(
    deployment: Deployment,
    folder: Path | None = None,
    architecture: str | None = None,
    *,
    result: Result | None = None,
) -> list[Delivery]:
    """Save both images to archives, with docker, podman, nerdctl or skopeo of this machine.

    Args:
        deployment: the cluster.
        folder: of the archives; default: `images`, next to the inventory.
        architecture: of the nodes, such as amd64; default: that of the nodes.
        result: receives each archive.
    """
    from hadeploy.actions.images import save_images as save

    return save(deployment, folder, architecture, result or Result())


def push_images(deployment: Deployment, *, result: Result | None = None) -> list[Delivery]:
    """Load the missing images on the nodes.

    Raises:
        NodesError: the errors of all nodes without an image; the other nodes have both.
    """
    from hadeploy.actions.images import push_images as push

    return push(deployment, result or Result())


def unlock(deployment: Deployment, *, consent: bool = False) -> dict[str, str]:
    """Release the lock of an interrupted run.

    Returns:
        The holder of the lock, by node label.

    Raises:
        NodesError: every node that could not be reached; the others are unlocked.
    """
    from hadeploy.actions.unlock import release_lock

    return release_lock(deployment, consent=consent)


@contextmanager
def connect(
    deployment: Deployment,
    choices: RunOptions | None = None,
    *,
    tolerant: bool = False,
    result: Result | None = None,
) -> Iterator[Run]:
    """Connect to the nodes, for work that no other function does.

    With `tolerant`, continue with the nodes that can be reached.
    """
    with connected_run(deployment, result or Result(), choices, tolerant=tolerant) as run:
        yield run
