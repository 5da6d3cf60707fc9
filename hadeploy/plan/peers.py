"""Replace the unicast peers in a keepalived.conf. Pure."""

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
    """The file with other unicast peers and its new id.

    A node without peers uses multicast (templates/keepalived.conf.j2); with peers, it uses unicast.

    Args:
        conf: a keepalived.conf that hadeploy rendered.
        config_id: its id.
        address: of the node itself.
        peers: the addresses of all other nodes.

    Returns:
        The text and its id; None if the file lacks the place for peers or for the id.
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
    # Like desired/build.py: the hash of the file without an id.
    without = text.replace(config_id, "")
    new = hashlib.sha256(without.encode()).hexdigest()[:ID_LENGTH]
    return text.replace(config_id, new), new
