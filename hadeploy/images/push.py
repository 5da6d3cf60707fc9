"""`images push`: the nodes that lack an image get it from this machine; nothing else is touched.

It takes no lock: an image more changes nothing that runs, nothing that a plan was made on, and what
another run brings at the same time is the same.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hadeploy.check.archive import read_archive
from hadeploy.check.docker import docker
from hadeploy.check.finding import CheckContext, Finding, failures
from hadeploy.check.images import archives, images, of_node
from hadeploy.desired.desired_node import ROLES, Role
from hadeploy.errors import HadeployError, NodesError
from hadeploy.images.compressed_archives import compressed_archives
from hadeploy.images.engines import Engine
from hadeploy.images.fetch import fetch, find_engine
from hadeploy.images.load import Delivery, Needs, load
from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.parts import Image
from hadeploy.inventory.paths import beside
from hadeploy.inventory.references import file_name
from hadeploy.observe.gather import try_observe
from hadeploy.observe.observed_node import ObservedNode
from hadeploy.plan.inputs import Inputs
from hadeploy.progress import Progress
from hadeploy.remote.fanout import try_each
from hadeploy.remote.session import Session


def push(
    inputs: Inputs, sessions: Mapping[str, Session], progress: Progress, done: list[Delivery]
) -> list[HadeployError]:
    """Bring the images to the connected nodes that lack them; each node for itself.

    Args:
        inputs: the inventory.
        sessions: by node label.
        progress: told.
        done: given what is there afterwards, also when something fails.

    Returns:
        Why some nodes did not get what they lack.

    Raises:
        HadeployError: an archive of the inventory's is wrong, or an image cannot be had here;
            nothing was sent.
    """
    progress.phase("Observe")
    observed, errors = try_observe(inputs.cluster, sessions)
    context = CheckContext(inputs.cluster, observed)
    broken = failures([f for node, look in context.nodes for f in docker(context, node, look)])
    errors += [finding.error() for finding in broken]
    able = {n: look for n, look in observed.items() if n not in {f.node for f in broken}}
    for node, look in able.items():
        for role in ROLES:
            reference = _reference(inputs.cluster, role)
            if reference in look.images:
                done.append(Delivery(reference, of_node(look), node, "there"))
                progress.node(node, f"{reference} was there already", "ok")
    with _needed(inputs, able, progress) as (needs, problems):
        errors += problems
        progress.phase("Send")
        every = [archive for need in needs.values() for archive in need.loads]
        with compressed_archives(every, progress) as sent_as:

            def to_node(node: str) -> None:
                for archive, references in needs[node].loads.items():
                    sent = load(archive, sent_as[archive], references, sessions[node], progress)
                    for reference in references:
                        of = of_node(able[node])
                        done.append(Delivery(reference, of, node, "sent", archive.name, sent))

            errors += try_each(to_node, needs)[1]
    return errors


@contextmanager
def _needed(
    inputs: Inputs, able: Mapping[str, ObservedNode], progress: Progress
) -> Iterator[tuple[dict[str, Needs], list[HadeployError]]]:
    """What each node lacks, with archives made for it where the inventory names none.

    Raises:
        NodesError: an archive of the inventory's is wrong.
    """
    needs: dict[str, Needs] = {}
    problems: list[Finding] = []
    engine: Engine | None = None
    with tempfile.TemporaryDirectory(prefix="hadeploy-") as folder:
        for architecture in dict.fromkeys(of_node(look) for look in able.values()):
            looks = {n: look for n, look in able.items() if of_node(look) == architecture}
            found: dict[Role, Path] = {}
            for role in lacking(inputs.cluster, looks):
                image = getattr(inputs.cluster.images, role)
                if image.archive:
                    found[role] = beside(inputs.folder, image.archive)
                    continue
                progress.phase(f"Fetch {image.reference}")
                engine = engine or find_engine()
                found[role] = Path(folder) / file_name(image.reference, architecture)
                fetch(engine, image.reference, architecture, found[role], progress)
            context = _sight(inputs.cluster, looks, found)
            if wrong := failures(list(archives(context))):
                raise NodesError([finding.error() for finding in wrong])
            unfit = failures(
                [f for node, look in context.nodes for f in images(context, node, look)]
            )
            problems += unfit
            for node in looks.keys() - {f.node for f in unfit}:
                for role, path in found.items():
                    reference = _reference(inputs.cluster, role)
                    if reference not in looks[node].images:
                        needs[node] = needs.get(node, Needs()).and_also(reference, path)
        yield needs, [finding.error() for finding in problems]


def lacking(cluster: Cluster, looks: Mapping[str, ObservedNode]) -> list[Role]:
    """The roles whose image some node lacks. Pure."""
    return [
        role
        for role in ROLES
        if any(_reference(cluster, role) not in look.images for look in looks.values())
    ]


def _sight(
    cluster: Cluster, looks: Mapping[str, ObservedNode], found: Mapping[Role, Path]
) -> CheckContext:
    """What the checks would see if the inventory named these archives."""
    update: dict[str, Image] = {
        role: getattr(cluster.images, role).model_copy(update={"archive": str(path)})
        for role, path in found.items()
    }
    named = cluster.model_copy(update={"images": cluster.images.model_copy(update=update)})
    return CheckContext(
        named, looks, archives={role: read_archive(path) for role, path in found.items()}
    )


def _reference(cluster: Cluster, role: Role) -> str:
    return str(getattr(cluster.images, role).reference)
