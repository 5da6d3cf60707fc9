"""A node's own firewall keeps clients from the VIP: it is named, with the line that removes it."""

from __future__ import annotations

import re

from tests.lab.harness import Cluster
from tests.lab.traffic import probing

# What a keepalived with vrrp_strict leaves behind when it is killed (shared case firewall/nft.sh).
STRICT = """nft add table ip keepalived
nft add set ip keepalived vips '{ type ipv4_addr; elements = { VIP }; }'
nft add chain ip keepalived in '{ type filter hook input priority -1; policy accept; }'
nft add rule ip keepalived in ip daddr @vips drop
iptables -t raw -A PREROUTING -d VIP -j DROP"""


def test_rules_on_the_vip_are_named_and_the_suggested_commands_remove_them(
    served: Cluster,
) -> None:
    (holder,) = served.holders()
    served.node(holder, STRICT.replace("VIP", served.lab.vip))
    try:
        checks = served.run("check", "--json").document["checks"]
        warned = {c["message"]: c["fix"] for c in checks if c["verdict"] == "warn"}
        assert set(warned) == {
            f"nftables (ip keepalived in) drops connections to {served.lab.vip}",
            f"iptables drops connections to {served.lab.vip}",
        }
        (found,) = served.run("verify", "--json", "--timeout", "0").document["diagnosis"]
        assert (found["cause"], found["nodes"]) == ("port-dropped", [holder])
        assert found["message"] == "its firewall drops connections to the VIP"
        lines = re.findall("`(.*?)`", found["fix"])
        assert "nft delete table ip keepalived" in lines
        assert {f"remove it: `{line}`" for line in lines} == set(warned.values())
        for line in lines:
            served.node(holder, line)
        served.ok("verify")
    finally:
        served.node(holder, "nft flush ruleset")


# Rules whose removal a shell must take as they are: of the other tables, with quotes, in nat.
COMMENT = """-m comment --comment "it's a \\\\"quoted\\\\" \\\\\\\\ rule" """
OTHERS = f"""iptables-legacy -A INPUT -d VIP -p tcp {COMMENT} -j DROP
iptables -t nat -A PREROUTING -d VIP -p tcp --dport 9443 {COMMENT} -j DNAT --to 192.0.2.9:443
nft add table ip other
nft add chain ip other pre '{{ type nat hook prerouting priority -90; }}'
nft add rule ip other pre ip daddr VIP tcp dport 9443 redirect to :22"""


def test_a_suggested_command_can_be_pasted_for_every_rule_manager(served: Cluster) -> None:
    (holder,) = served.holders()
    served.node(holder, OTHERS.replace("VIP", served.lab.vip))
    try:
        checks = served.run("check", "--json").document["checks"]
        warned = {c["message"]: c["fix"] for c in checks if c["verdict"] == "warn"}
        vip = served.lab.vip
        assert set(warned) == {
            f"iptables-legacy drops connections to {vip}",
            f"iptables redirects connections to {vip}:9443 to 192.0.2.9:443",
            f"nftables (ip other pre) redirects connections to {vip}:9443 to port 22",
        }
        for fix in warned.values():
            served.node(holder, fix.removeprefix("remove it: ").strip("`"))
        checks = served.ok("check", "--json").document["checks"]
        assert [c for c in checks if c["verdict"] == "warn"] == []
        served.ok("verify")
    finally:
        served.node(holder, "nft flush ruleset; iptables-legacy -F")


def test_no_handover_goes_to_a_node_that_keeps_clients_out(served: Cluster) -> None:
    """The nodes reach each other, so that nothing is seen until the VIP has moved."""
    (holder,) = served.holders()
    others = [node for node in served.lab.nodes if node != holder]
    nodes = " ".join([*map(served.lab.address, served.lab.nodes), served.lab.vip, "127.0.0.0/8"])
    for node in others:
        served.node(
            node,
            f"""iptables -N CLIENTS
            for a in {nodes}; do iptables -A CLIENTS -s $a -j RETURN; done
            iptables -A CLIENTS -j DROP
            iptables -I INPUT -p tcp --dport 9443 -j CLIENTS""",
        )
    try:
        with probing(served) as probe:
            drained = served.run("drain", holder)
            served.inventory["containers"] = {"log_max_size": "11m"}
            changed = served.run("up")
        assert probe.failed == []
        assert served.holders() == [holder]
        for result in (drained, changed):
            assert result.code == 1
            reported = " ".join(result.err.split())
            assert (
                "would take over the VIP: its port 9443, asked from this machine, cannot be"
                in reported
            )
            assert "does a firewall on that node block clients?" in reported
    finally:
        for node in others:
            served.node(
                node,
                "iptables -D INPUT -p tcp --dport 9443 -j CLIENTS; iptables -F CLIENTS; "
                "iptables -X CLIENTS",
            )
    served.ok("drain", holder)
    served.ok("undrain", holder)
    served.ok("up")
