"""Start and remove a lab: safe to repeat, and to interrupt at any point.

Only the settings of the lab are stored: every step inspects the kernel and the disk, and does only
what is missing.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hadeploy.errors import ExitCode, HadeployError
from hadeploy.lab import addressing as names
from hadeploy.lab import cgroups, network, processes, ssh
from hadeploy.lab.addressing import Addressing
from hadeploy.lab.identity import MachineAccounts, NodeFile, node_files
from hadeploy.lab.images.store import ensure_image, lab_images
from hadeploy.lab.inventory_file import inventory_text
from hadeploy.lab.node import Node
from hadeploy.lab.requirements import check_machine
from hadeploy.lab.state import StateFolder, locked, state_root, write_atomically
from hadeploy.lab.waiting import wait_until

DEFAULT_NODES = 3
# Time for a running node to answer, even on a busy machine.
ANSWER_SECONDS = 10.0
Report = Callable[[str], None]


def silent(_: str) -> None:
    """Ignore a report."""


def node_of(addressing: Addressing, state: StateFolder, name: str) -> Node:
    """A node of a lab.

    Raises:
        HadeployError: the lab has no such node.
    """
    addressing.node(name)
    return Node(name, addressing, state.node(name), ipv6=network.ipv6_available())


def bring_up(
    name: str, *, nodes: int | None, subnet: str | None, report: Report
) -> tuple[Addressing, StateFolder]:
    """Start a lab, or repair it; change nothing if it runs.

    Args:
        name: the lab's name.
        nodes: their number; None: the current number, or 3.
        subnet: None: the current one, or one derived from the name.
        report: receives the current work.

    Raises:
        HadeployError: the machine does not meet the requirements, the lab exists with other
            settings, or a step failed; `take_down` then cleans up.
    """
    names.check_name(name)
    check_machine()
    root = state_root()
    with locked(root, operation=f"starting lab {name!r}"):
        state = StateFolder(root / name)
        addressing = _settings(state, name, nodes, subnet)
        if state.load(name) is None and network.exists(addressing):
            report("the state folder is missing: removing the remains of the lab")
            _remove_from_kernel(addressing, report)
            _remove_state(state)
        state.save(addressing)
        wanted = lab_images()
        with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
            images = {
                part: pool.submit(ensure_image, reference, report)
                for part, reference in wanted.items()
            }
            _ensure_network(addressing, report)
            _ensure_nodes(addressing, state, report)
            if not all(image.done() for image in images.values()):
                report("waiting for the images")
            archives = {part: (wanted[part], image.result()) for part, image in images.items()}
        if not state.inventory.exists():
            write_atomically(state.inventory, inventory_text(addressing, state, archives))
        return addressing, state


def take_down(name: str, *, report: Report) -> bool:
    """Remove a lab, also an incomplete one or one without its state folder.

    Returns:
        Whether there was anything to remove.

    Raises:
        HadeployError: something could not be removed.
    """
    names.check_name(name)
    check_machine()
    root = state_root()
    with locked(root, operation=f"removing lab {name!r}"):
        state = StateFolder(root / name)
        # Only the names are needed, so a missing definition does not matter.
        addressing = state.load(name) or Addressing(name, names.default_subnet(name), ())
        if not state.folder.exists() and not network.exists(addressing):
            return False
        _remove_from_kernel(addressing, report)
        # A node of a killed `up` may have started after that.
        processes.kill_booting(state.folder / "nodes")
        report("removing the disks")
        _remove_state(state)
        return True


def _remove_from_kernel(addressing: Addressing, report: Report) -> None:
    report("ending all processes")
    scopes = network.leftover_scopes(addressing.prefix)
    with ThreadPoolExecutor(max_workers=max(len(scopes), 1)) as pool:
        list(pool.map(_end_processes, scopes))
    report("removing the network")
    for scope in scopes:
        network.unplug(scope)
    network.bridge_down(addressing)
    network.tidy_namespace_folder()
    cgroups.remove(addressing.prefix)


def _settings(state: StateFolder, name: str, nodes: int | None, subnet: str | None) -> Addressing:
    """The settings of the lab: the current ones or the requested ones."""
    found = state.load(name)
    if found is None:
        found_subnet, found_nodes = names.default_subnet(name), names.node_names(DEFAULT_NODES)
    else:
        found_subnet, found_nodes = found.subnet, found.nodes
    wanted = Addressing(
        name,
        found_subnet if subnet is None else names.check_subnet(subnet),
        found_nodes if nodes is None else names.node_names(nodes),
    )
    if found and found != wanted:
        raise HadeployError(
            f"lab {name!r} exists with {len(found.nodes)} nodes in {found.subnet}",
            operation="starting it with other settings",
            hint=f"hadeploy lab down --name {name}",
            code=ExitCode.USAGE,
        )
    names.check_free(wanted.subnet, network.networks_in_use(wanted))
    return wanted


def _ensure_network(addressing: Addressing, report: Report) -> None:
    ipv6 = network.ipv6_available()
    if not network.plugged_in(addressing, ipv6=ipv6):
        report(f"setting up bridge {addressing.bridge} for {addressing.subnet}")
        network.bridge_up(addressing, ipv6=ipv6)
        for node in addressing.nodes:
            network.plug_in(addressing, node, ipv6=ipv6)


def _ensure_nodes(addressing: Addressing, state: StateFolder, report: Report) -> None:
    ipv6 = network.ipv6_available()
    public = ssh.ensure_key(state.key, f"hadeploy-lab-{addressing.name}")
    host_keys = {}
    started = []
    for name in addressing.nodes:
        node = node_of(addressing, state, name)
        key = node.folder / "ssh_host_ed25519_key"
        host_keys[name] = ssh.ensure_key(key, name)
        if node.disk.ready and node.answers(within=ANSWER_SECONDS):
            node.api.start(node.running_init())
            continue
        if node.has_processes():
            # It hangs or a killed `up` left it; a power cycle repairs both.
            report(f"{name}: does not answer, powering it off")
            node.power_off()
            network.plug_in(addressing, name, ipv6=ipv6)
        if not node.disk.ready:
            node.disk.create(_identity(addressing, name, key.read_text(), public))
        report(f"{name}: booting at {node.address}")
        node.boot()
        started.append(node)
    ssh.write_client_files(addressing, state, host_keys, ipv6=ipv6)
    for node in started:
        node.wait_ready()
    if started:
        _check_connection(started[0], node_of(addressing, state, addressing.nodes[-1]))


def _check_connection(node: Node, other: Node) -> None:
    """Verify that nodes reach each other; a Docker host's firewall may drop bridged traffic."""
    probe = ("bash", "-c", f"exec 3<>/dev/tcp/{other.address}/22")
    try:
        wait_until(
            lambda: node.exec(probe, check=False, timeout=2).returncode == 0,
            what=f"a connection to {other.name}",
            timeout=10,
            node=node.name,
        )
    except HadeployError as error:
        if network.bridged_traffic_is_filtered():
            error.hint = (
                "this machine's firewall filters bridged traffic and may drop it; to exclude "
                "bridged traffic: sysctl net.bridge.bridge-nf-call-iptables=0"
            )
        raise


def _identity(
    addressing: Addressing, name: str, host_key: str, authorized_key: str
) -> dict[str, NodeFile]:
    return node_files(
        addressing,
        name,
        accounts=MachineAccounts(
            *(Path(f"/etc/{file}").read_text() for file in ("passwd", "shadow", "group"))
        ),
        host_key=host_key,
        authorized_key=authorized_key,
        machine_id=uuid.uuid4().hex,
        ipv6=network.ipv6_available(),
    )


def _end_processes(scope: str) -> None:
    processes.kill_network(network.NETNS / scope, node=scope)


def _remove_state(state: StateFolder) -> None:
    # The definition is last, because `up` and `down` need it after an interruption.
    if state.folder.is_dir():
        for entry in sorted(state.folder.iterdir()):
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry != state.definition:
                entry.unlink()
        state.definition.unlink(missing_ok=True)
        state.folder.rmdir()
