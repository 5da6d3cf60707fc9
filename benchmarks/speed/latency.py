"""What a slow link costs: the same work through relays that make every round trip longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import clean
from benchmarks.scenarios import Inventory
from benchmarks.speed.floor import RawSsh
from benchmarks.speed.relay import Door, relays
from benchmarks.speed.samples import NOTHING, SSH, Samples
from benchmarks.speed.times import floor_of, fresh_up, make_change, nothing_to_do, well
from benchmarks.tools import Hadeploy, Peer, peers
from hadeploy.lab.lab import Lab

DELAYS = (0.0, 0.050, 0.200)
_PORT = 22


@dataclass(frozen=True)
class Link:
    """A lab behind relays.

    Attributes:
        delay: seconds that a round trip takes more.
        hadeploy: with an inventory that leads through them.
        floor: raw ssh through them.
        pyinfra: the same job through them; None if the peers are left out.
    """

    delay: float
    hadeploy: Hadeploy
    floor: RawSsh
    pyinfra: Peer | None


def measure_latency(
    lab: Lab, rounds: int, folder: Path, tell: Callable[[str], None], *, with_peers: bool
) -> dict[float, Samples]:
    """Measure everything at each delay, by turns.

    Args:
        lab: the nodes; whatever they carry is removed.
        rounds: how often.
        folder: for files.
        tell: told what is done.
        with_peers: whether pyinfra is there to compare with.

    Returns:
        By delay, the same rows each.

    Raises:
        HadeployError: something failed.
    """
    found = {delay: Samples(tell=tell) for delay in DELAYS}
    with ExitStack() as stack:
        links = [
            stack.enter_context(_link(lab, delay, folder / str(number), with_peers))
            for number, delay in enumerate(DELAYS)
        ]
        for number in range(1, rounds + 1):
            for link in links:
                tell(f"+{link.delay * 1000:g} ms, round {number}")
                clean(lab)
                _round(link, found[link.delay])
            if with_peers:
                tell(f"pyinfra, round {number}")
                clean(lab)
                _peer_round(links, found)
        clean(lab)
    return found


def _round(link: Link, samples: Samples) -> None:
    fresh_up(link.hadeploy, samples)
    nothing_to_do(link.hadeploy, samples)
    done = link.floor.finish()
    samples.add(NOTHING, SSH, done.seconds, done.cpu)
    make_change(link.hadeploy, samples, there=True)


def _peer_round(links: Sequence[Link], found: dict[float, Samples]) -> None:
    near = links[0].pyinfra
    if near is not None:
        well(near.base()[0])
    for link in links:
        if link.pyinfra is not None:
            nothing_to_do(link.pyinfra, found[link.delay])


@contextmanager
def _link(lab: Lab, delay: float, folder: Path, with_peers: bool) -> Iterator[Link]:
    folder.mkdir()
    servers = [Door(lab.address(node), _PORT) for node in lab.nodes]
    with relays(servers, delay) as doors:
        keys = folder / "known_hosts"
        keys.write_text(relayed_known_hosts(lab.state.known_hosts.read_text(), lab.nodes, doors))
        config = folder / "ssh_config"
        config.write_text(relayed_config(lab.nodes, doors, lab.state.key, keys))

        def through(inventory: Inventory) -> None:
            inventory["ssh"]["known_hosts"] = str(keys)
            for node, door in zip(inventory["nodes"], doors, strict=True):
                node["ssh"] = {"host": door.host, "port": door.port}

        pyinfra = None
        if with_peers:
            told = {"PEER_SSH": ",".join(map(str, doors)), "PEER_KNOWN_HOSTS": str(keys)}
            pyinfra = next(peer for peer in peers(lab, told) if peer.title == "pyinfra")
        floor = floor_of(lab, config, folder)
        yield Link(delay, Hadeploy(lab, folder, through), floor, pyinfra)


def relayed_known_hosts(text: str, nodes: Sequence[str], doors: Sequence[Door]) -> str:
    """The nodes' host keys under the names of their relays; pure.

    Args:
        text: the lab's own known_hosts.
        nodes: their names in it.
        doors: where their relays listen, in the same order.
    """
    keys = {line.split(",")[0]: line.split(maxsplit=1)[1] for line in text.splitlines()}
    pairs = zip(nodes, doors, strict=True)
    return "".join(f"[{door.host}]:{door.port} {keys[node]}\n" for node, door in pairs)


def relayed_config(nodes: Sequence[str], doors: Sequence[Door], key: Path, known: Path) -> str:
    """An ssh configuration that reaches the nodes through their relays; pure.

    Args:
        nodes: their names.
        doors: where their relays listen, in the same order.
        key: the private key.
        known: the known_hosts file.
    """
    blocks = [
        f"Host {node}\n    HostName {door.host}\n    Port {door.port}\n"
        for node, door in zip(nodes, doors, strict=True)
    ]
    common = (
        "User root",
        f"IdentityFile {key}",
        "IdentitiesOnly yes",
        f"UserKnownHostsFile {known}",
        "GlobalKnownHostsFile /dev/null",
        "StrictHostKeyChecking yes",
        "ControlMaster no",
        "ControlPath none",
    )
    return "\n".join([*blocks, "Host *", *(f"    {line}" for line in common), ""])
