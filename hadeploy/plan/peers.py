"""A keepalived.conf with other peers, and otherwise as it is. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_PEERS = re.compile(r"^([ \t]*)unicast_peer[ \t\n]*\{[^{}]*\}", re.MULTILINE)
_MULTICAST = re.compile(r"^([ \t]*)mcast_src_ip[ \t]+\S+[ \t]*$", re.MULTILINE)
ID_LENGTH = 16


def with_peers(
    conf: str, config_id: str, address: str, peers: Sequence[str]
) -> tuple[str, str] | None:
    """The same file with another list of unicast peers, and the id that it then has.

    A node without peers speaks multicast (templates/keepalived.conf.j2); with them it speaks
    unicast.

    Args:
        conf: a keepalived.conf that hadeploy rendered.
        config_id: the id in it, which proves what keepalived has read.
        address: of the node itself.
        peers: the addresses of all other nodes.

    Returns:
        The text and its id; None where the file does not have the place for them, or for the id.
    """
    if not config_id or config_id not in conf:
        return None

    def unicast(indent: str) -> str:
        lines = (f"{indent}    {peer}\n" for peer in peers)
        return f"{indent}unicast_peer {{\n{''.join(lines)}{indent}}}"

    text, count = _PEERS.subn(lambda found: unicast(found[1]), conf, count=1)
    if not count:
        text, count = _MULTICAST.subn(
            lambda found: f"{found[1]}unicast_src_ip {address}\n{unicast(found[1])}", conf, count=1
        )
    if not count:
        return None
    # As desired/build.py makes it: of the file without an id.
    without = text.replace(config_id, "")
    new = hashlib.sha256(without.encode()).hexdigest()[:ID_LENGTH]
    return text.replace(config_id, new), new
