"""Check of the cluster's directory on a node. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedNode

_ELSEWHERE = "choose another directory with paths.root"
_FOLDERS = {layout.IN_HAPROXY: "haproxy", layout.IN_KEEPALIVED: "keepalived"}


OUR_FOLDER = Check(
    "our-folder",
    "cluster's directory",
    "the cluster's directory is on a writable file system. Before the first `up`, no file or "
    "dangling link is in its path, it is not inside the directory of another cluster, and it "
    "contains only files that hadeploy wrote. The containers of this cluster do not use another "
    "directory: hadeploy does not move it",
    "mount it writable, or choose another directory with `paths.root`; to move a cluster, run "
    "`hadeploy down` with the old `paths.root`, then `hadeploy up`",
)


@OUR_FOLDER.of_node
def our_folder(context: CheckContext, node: Node, state: ObservedNode) -> Iterator[Finding]:
    """Whether the cluster's directory is usable, and no other one is in use."""
    problem = _problem(context, state)
    if problem:
        yield Finding(OUR_FOLDER.id, node.label, "fail", *problem)
        return
    left = left_folder(context, state)
    if left:
        what = f"this cluster has another, unused directory on this node: {left}"
        yield Finding(OUR_FOLDER.id, node.label, "warn", what, f"rm -r {left}")
    else:
        what = f"{context.cluster.root} is writable"
        yield Finding(OUR_FOLDER.id, node.label, "pass", what)


def _problem(context: CheckContext, state: ObservedNode) -> tuple[str, str] | None:
    """The problem and its fix."""
    root, folder = context.cluster.root, state.host.folder
    if moved := _moved(context, state):
        return moved
    inside = [other for other in state.other_clusters if other.root.startswith(f"{root}/")]
    what = ""
    if "blocked" in folder:
        what = f"{folder['blocked']} is not a directory, so {root} cannot be created"
    elif "inside" in folder:
        what = f"{root} is inside {folder['inside']}, the directory of another cluster"
    elif "foreign" in folder:
        what = f"{root} is used otherwise: hadeploy did not write {folder['foreign']}"
    elif inside:
        what = f"{root} contains the directory of the hadeploy cluster {inside[0].name}"
    elif state.root and "root" in state.host.read_only:
        # Other users than root can write to few directories anyway.
        return f"{root} is on a read-only file system", f"mount it writable, or {_ELSEWHERE}"
    return (what, _ELSEWHERE) if what else None


def moved_folders(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Finding]:
    """The nodes whose files are in another directory; other findings on them would be wrong.

    Args:
        observed: by node label.
    """
    context = CheckContext(cluster, observed)
    return [
        Finding(OUR_FOLDER.id, node.label, "fail", *moved)
        for node, state in context.nodes
        if (moved := _moved(context, state))
    ]


def _moved(context: CheckContext, state: ObservedNode) -> tuple[str, str] | None:
    now = folder_in_use(context, state)
    if not now:
        return None
    parent = now.rpartition("/")[0]
    return (
        f"this cluster's files are in {now}; hadeploy does not move them to {context.cluster.root}",
        f"set `paths.root: {parent}` again; or run `hadeploy down` with it, then `hadeploy up`",
    )


def folder_in_use(context: CheckContext, state: ObservedNode) -> str | None:
    """The directory that this cluster's containers mount, if it differs from the inventory.

    A directory may have several paths, by links. It differs if the running container does not use
    that of the inventory, or if that one has no record.
    """
    for container in state.ours(context.cluster.name):
        for mount in container.raw.get("Mounts") or ():
            name = _FOLDERS.get(mount.get("Destination"))
            source = str(mount.get("Source", ""))
            if name is None or source == f"{context.cluster.root}/{name}":
                continue
            if state.applied is None or name in state.detached:
                return source.removesuffix(f"/{name}")
    return None


def left_folder(context: CheckContext, state: ObservedNode) -> str:
    """A directory with an older record of this cluster, or ""."""
    own = (other for other in state.other_clusters if other.name == context.cluster.name)
    return next((other.root for other in own if other.root), "")
