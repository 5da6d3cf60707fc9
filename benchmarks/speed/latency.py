"""Measure the effect of a slow link: the same work through relays that delay every round trip."""

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
        delay: additional seconds of a round trip.
        hadeploy: with an inventory that uses the relays.
        floor: raw ssh through the relays.
        pyinfra: the same job through the relays; None without other tools.
    """

    delay: float
    hadeploy: Hadeploy
    floor: RawSsh
    pyinfra: Peer | None


def measure_latency(
    lab: Lab, rounds: int, folder: Path, tell: Callable[[str], None], *, with_peers: bool
) -> dict[float, Samples]:
    """Measure everything with each delay, in turn.

    Args:
        lab: the nodes, which are cleaned first.
        rounds: the number of rounds.
        folder: for temporary files.
        tell: receives the current work.
        with_peers: whether to include pyinfra.

    Returns:
        The samples by delay.

    Raises:
        HadeployError: a command failed.
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
            variables = {"PEER_SSH": ",".join(map(str, doors)), "PEER_KNOWN_HOSTS": str(keys)}
            pyinfra = next(peer for peer in peers(lab, variables) if peer.title == "pyinfra")
        floor = floor_of(lab, config, folder)
        yield Link(delay, Hadeploy(lab, folder, through), floor, pyinfra)


def relayed_known_hosts(text: str, nodes: Sequence[str], doors: Sequence[Door]) -> str:
    """The nodes' host keys with the names of their relays. Pure.

    Args:
        text: the known_hosts of the lab.
        nodes: their names in it.
        doors: the endpoints of their relays, in the same order.
    """
    keys = {line.split(",")[0]: line.split(maxsplit=1)[1] for line in text.splitlines()}
    pairs = zip(nodes, doors, strict=True)
    return "".join(f"[{door.host}]:{door.port} {keys[node]}\n" for node, door in pairs)


def relayed_config(nodes: Sequence[str], doors: Sequence[Door], key: Path, known: Path) -> str:
    """An ssh configuration that reaches the nodes through their relays. Pure.

    Args:
        nodes: their names.
        doors: the endpoints of their relays, in the same order.
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
