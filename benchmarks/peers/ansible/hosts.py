#!/usr/bin/env python3
"""Ansible's dynamic inventory, from the environment."""

import json
import os

nodes = os.environ["PEER_NODES"].split(",")
first = int(os.environ.get("PEER_PRIORITY", "100"))
host_keys = f"-o UserKnownHostsFile={os.environ['PEER_KNOWN_HOSTS']}"
common = {
    "ansible_user": "root",
    "ansible_ssh_private_key_file": os.environ["PEER_KEY"],
    "ansible_ssh_common_args": f"{host_keys} -o StrictHostKeyChecking=yes",
}
variables = {node: {**common, "priority": first - i} for i, node in enumerate(nodes)}
print(json.dumps({"lb": {"hosts": nodes}, "_meta": {"hostvars": variables}}))
