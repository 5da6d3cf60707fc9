"""Whether this cluster's folder on a node can be made, and is this cluster's alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hadeploy.check.entry import Check
from hadeploy.check.finding import CheckContext, Finding
from hadeploy.desired import layout
from hadeploy.inventory.cluster import Cluster, Node
from hadeploy.observe.observed_node import ObservedNode

_ELSEWHERE = "choose another place with paths.root"
_FOLDERS = {layout.IN_HAPROXY: "haproxy", layout.IN_KEEPALIVED: "keepalived"}


OUR_FOLDER = Check(
    "our-folder",
    "our folder",
    "the folder for our files is on a file system that can be written. Where nothing was "
    "applied yet, no file or dangling link is in its path, and it is neither inside another "
    "cluster's folder nor has files in it that hadeploy did not write. The containers of this "
    "cluster do not use another folder: hadeploy does not move it",
    "mount it writable, or choose another place with `paths.root`; to move a cluster, "
    "`hadeploy down` with the old `paths.root`, then `hadeploy up`",
)


@OUR_FOLDER.of_node
def our_folder(context: CheckContext, node: Node, look: ObservedNode) -> Iterator[Finding]:
    """Whether our files can be written there, and are not somewhere else."""
    problem = _problem(context, look)
    if problem:
        yield Finding(OUR_FOLDER.id, node.label, "fail", *problem)
        return
    left = left_folder(context, look)
    if left:
        what = f"this cluster has another folder here, {left}, which is not used"
        yield Finding(OUR_FOLDER.id, node.label, "warn", what, f"rm -r {left}")
    else:
        what = f"{context.cluster.root} can be written"
        yield Finding(OUR_FOLDER.id, node.label, "pass", what)


def _problem(context: CheckContext, look: ObservedNode) -> tuple[str, str] | None:
    """What is wrong, and what to do."""
    root, folder = context.cluster.root, look.host.folder
    if moved := _moved(context, look):
        return moved
    around = [other for other in look.other_clusters if other.root.startswith(f"{root}/")]
    what = ""
    if "blocked" in folder:
        what = f"{folder['blocked']} is not a folder, so {root} cannot be made"
    elif "inside" in folder:
        what = f"{root} is inside {folder['inside']}, the folder of another cluster"
    elif "foreign" in folder:
        what = f"{root} is a folder of something else: hadeploy did not write {folder['foreign']}"
    elif around:
        what = f"{root} has the folder of the hadeploy cluster {around[0].name} in it"
    elif look.root and "root" in look.host.read_only:
        # Anybody but root may write to few folders.
        return f"{root} is on a read-only file system", f"mount it writable, or {_ELSEWHERE}"
    return (what, _ELSEWHERE) if what else None


def moved_folders(cluster: Cluster, observed: Mapping[str, ObservedNode]) -> list[Finding]:
    """The nodes whose files are not where the inventory says: nothing else can be said of them.

    Args:
        observed: the nodes, by label.
    """
    context = CheckContext(cluster, observed)
    return [
        Finding(OUR_FOLDER.id, node.label, "fail", *moved)
        for node, look in context.nodes
        if (moved := _moved(context, look))
    ]


def _moved(context: CheckContext, look: ObservedNode) -> tuple[str, str] | None:
    now = folder_in_use(context, look)
    if not now:
        return None
    parent = now.rpartition("/")[0]
    return (
        f"this cluster's files are in {now}; hadeploy does not move them to {context.cluster.root}",
        f"set `paths.root: {parent}` again; or `hadeploy down` with it, then `hadeploy up`",
    )


def folder_in_use(context: CheckContext, look: ObservedNode) -> str | None:
    """The folder that this cluster's containers mount, where that is not the inventory's.

    One folder may have several paths, by links: it is another one if the running container does
    not see the inventory's, or if there is no record in that.
    """
    for container in look.ours(context.cluster.name):
        for mount in container.raw.get("Mounts") or ():
            name = _FOLDERS.get(mount.get("Destination"))
            source = str(mount.get("Source", ""))
            if name is None or source == f"{context.cluster.root}/{name}":
                continue
            if look.applied is None or name in look.detached:
                return source.removesuffix(f"/{name}")
    return None


def left_folder(context: CheckContext, look: ObservedNode) -> str:
    """A folder with an older record of this cluster; "" if there is none."""
    own = (other for other in look.other_clusters if other.name == context.cluster.name)
    return next((other.root for other in own if other.root), "")
