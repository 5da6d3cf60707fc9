"""What a lab writes: for its nodes, for ssh, and the inventory."""

from __future__ import annotations

import os
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from hadeploy.errors import HadeployError
from hadeploy.inventory.cluster import Cluster
from hadeploy.lab import addressing, identity, requirements, ssh, state, tools
from hadeploy.lab.addressing import Addressing
from hadeploy.lab.identity import MachineAccounts
from hadeploy.lab.inventory_file import inventory_text
from hadeploy.lab.state import StateFolder
from hadeploy.lab.waiting import wait_until

LAB = Addressing("lab", IPv4Network("198.51.100.0/24"), addressing.node_names(3))
ACCOUNTS = MachineAccounts(
    passwd="root:x:0:0:root:/root:/bin/bash\nops:x:1000:1000::/home/ops:/bin/sh\n",
    shadow="root:!:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nops:$y$x:1:0:9:7:::\n",
    group="root:x:0:\nops:x:1000:\n",
)


def test_the_inventory_is_a_valid_one() -> None:
    folder = StateFolder(Path("/var/lib/x/hadeploy/lab"))
    archives = {
        "haproxy": ("haproxy:2.6.12", Path("/c/haproxy.tar")),
        "keepalived": ("osixia/keepalived:2.2.7", Path("/c/keepalived.tar")),
    }
    text = inventory_text(LAB, folder, archives)
    cluster = Cluster.model_validate(YAML(typ="safe").load(text))
    assert [str(vip.ip) for vip in cluster.vip] == ["198.51.100.100"]
    assert [(n.name, str(n.address)) for n in cluster.nodes] == [
        *(("n1", "198.51.100.11"), ("n2", "198.51.100.12"), ("n3", "198.51.100.13")),
    ]
    assert cluster.ssh.user == "root"
    assert cluster.ssh.identity_file == "/var/lib/x/hadeploy/lab/id_ed25519"
    assert cluster.images.keepalived.reference == "osixia/keepalived:2.2.7"
    assert cluster.images.haproxy.archive == "/c/haproxy.tar"


def test_known_hosts_has_each_node_by_name_and_address() -> None:
    keys = {node: f"ssh-ed25519 KEY{node} comment" for node in LAB.nodes}
    lines = ssh.known_hosts(LAB, keys, ipv6=True).splitlines()
    assert lines[1] == "n2,198.51.100.12,2001:db8:c633:6400::12 ssh-ed25519 KEYn2"
    assert "2001" not in ssh.known_hosts(LAB, keys, ipv6=False)


def test_ssh_config_trusts_nothing_but_the_labs_own_keys() -> None:
    text = ssh.ssh_config(LAB, StateFolder(Path("/s")))
    assert "Host n1\n    HostName 198.51.100.11\n" in text
    assert "Host n1 n2 n3 198.51.100.11 198.51.100.12 198.51.100.13\n" in text
    assert "StrictHostKeyChecking yes" in text
    assert "UserKnownHostsFile /s/known_hosts" in text


def test_a_nodes_sshd_listens_on_its_own_addresses_only() -> None:
    text = identity.sshd_config(LAB, "n2", ipv6=True)
    assert "ListenAddress 198.51.100.12\nListenAddress 2001:db8:c633:6400::12\n" in text
    assert "UsePAM no" in text
    assert "ListenAddress 2001" not in identity.sshd_config(LAB, "n2", ipv6=False)


def test_every_node_resolves_all_names_without_a_name_server() -> None:
    text = identity.hosts(LAB, ipv6=False)
    assert "198.51.100.13 n3\n" in text
    files = identity.node_files(
        LAB,
        "n1",
        accounts=ACCOUNTS,
        host_key="PRIVATE\n",
        authorized_key="ssh-ed25519 A lab\n",
        machine_id="0" * 32,
        ipv6=False,
    )
    assert files["/etc/resolv.conf"].content == ""
    assert files["/etc/hostname"].content == "n1\n"
    assert files["/etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    assert files["/root/.ssh/authorized_keys"].content == "ssh-ed25519 A lab\n"
    assert files["/home/ops/.ssh/authorized_keys"].uid == identity.OPS_UID


def test_root_is_unlocked_and_a_user_of_the_same_name_replaced() -> None:
    own = identity.with_ops_user(ACCOUNTS)
    assert "root:*:19000:0:99999:7:::\n" in own.shadow
    assert [line for line in own.passwd.splitlines() if line.startswith("ops:")] == [
        "ops:x:2000:2000::/home/ops:/bin/bash"
    ]
    assert own.shadow.count("ops:") == 1
    assert own.group.splitlines() == ["root:x:0:", "ops:x:2000:"]


def test_a_definition_survives_and_a_damaged_one_counts_as_none(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "lab")
    assert folder.load("lab") is None
    folder.save(LAB)
    assert folder.load("lab") == LAB
    assert folder.folder.stat().st_mode & 0o777 == 0o700
    folder.definition.write_text('{"subnet": "198.51')
    assert folder.load("lab") is None


def test_a_state_folder_that_overlays_cannot_take_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/srv/with:colon")
    with pytest.raises(HadeployError, match="a character other than"):
        state.state_root()
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    assert state.state_root() == Path.home() / ".local/state/hadeploy"


def test_missing_tools_are_named_by_their_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tools.CLEAN_ENVIRONMENT, "PATH", str(tmp_path))
    missing = requirements.missing_packages()
    assert {"docker.io", "openssh-server", "iproute2"} <= set(missing)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(HadeployError, match=r"docker\.io") as caught:
        requirements.check_machine()
    assert "apt-get install" in str(caught.value.hint)


def test_a_lab_is_refused_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(HadeployError, match="needs root"):
        requirements.check_machine()


def test_a_lab_is_refused_on_another_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(HadeployError, match="needs Linux"):
        requirements.check_machine()


def test_giving_up_waiting_names_what_was_waited_for() -> None:
    with pytest.raises(HadeployError, match="n1: waiting for rain: not within 0 s"):
        wait_until(lambda: False, what="rain", timeout=0, node="n1")
