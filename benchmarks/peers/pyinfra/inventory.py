"""pyinfra's inventory, from the environment."""

import os

_FIRST = int(os.environ.get("PEER_PRIORITY", "100"))
_NODES = os.environ["PEER_NODES"].split(",")
_DOORS = os.environ.get("PEER_SSH", ",".join(f"{node}:22" for node in _NODES)).split(",")

lb = [
    (
        node,
        {
            "ssh_hostname": door.rpartition(":")[0],
            "ssh_port": int(door.rpartition(":")[2]),
            "ssh_user": "root",
            "ssh_key": os.environ["PEER_KEY"],
            "ssh_known_hosts_file": os.environ["PEER_KNOWN_HOSTS"],
            "ssh_strict_host_key_checking": "yes",
            "priority": _FIRST - i,
        },
    )
    for i, (node, door) in enumerate(zip(_NODES, _DOORS, strict=True))
]
