"""pyinfra's inventory, from the environment."""

import os

_FIRST = int(os.environ.get("PEER_PRIORITY", "100"))

lb = [
    (
        node,
        {
            "ssh_user": "root",
            "ssh_key": os.environ["PEER_KEY"],
            "ssh_known_hosts_file": os.environ["PEER_KNOWN_HOSTS"],
            "ssh_strict_host_key_checking": "yes",
            "priority": _FIRST - i,
        },
    )
    for i, node in enumerate(os.environ["PEER_NODES"].split(","))
]
