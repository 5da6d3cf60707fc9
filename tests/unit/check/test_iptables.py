"""What iptables does with a packet, as far as its rules show."""

from __future__ import annotations

import pytest

from hadeploy.check.iptables import Fate, Packet, parse_filter

VRRP = Packet("112", "198.51.100.12", "198.51.100.11", None, "eth0")
PORT = Packet("tcp", "", "198.51.100.11", 9443, "eth0")

OPEN = ":INPUT ACCEPT [0:0]"
SHUT = ":INPUT DROP [0:0]"
KEEP = "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
# From a host with ufw, shortened; iptables-save 1.8.9.
UFW = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:ufw-before-input - [0:0]
:ufw-not-local - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j LOG
-A ufw-not-local -j DROP
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT"""
CASES: list[tuple[str, str, Fate, Fate]] = [
    ("no rules", OPEN, "accept", "accept"),
    ("policy", SHUT, "drop", "drop"),
    ("established only", f"{SHUT}\n{KEEP}", "drop", "drop"),
    ("vrrp by name", f"{SHUT}\n-A INPUT -p vrrp -j ACCEPT", "accept", "drop"),
    ("vrrp by number", f"{SHUT}\n-A INPUT -p 112 -j ACCEPT", "accept", "drop"),
    ("from the peers", f"{SHUT}\n-A INPUT -s 198.51.100.0/24 -p 112 -j ACCEPT", "accept", "drop"),
    ("others", f"{SHUT}\n-A INPUT -s 192.0.2.0/24 -p 112 -j ACCEPT", "drop", "drop"),
    ("not others", f"{SHUT}\n-A INPUT ! -s 192.0.2.0/24 -p 112 -j ACCEPT", "accept", "drop"),
    ("port", f"{OPEN}\n-A INPUT -p tcp -m tcp --dport 9443 -j REJECT", "accept", "drop"),
    ("range", f"{OPEN}\n-A INPUT -p tcp -m tcp --dport 9000:9999 -j DROP", "accept", "drop"),
    ("ports", f"{OPEN}\n-A INPUT -p tcp -m multiport --dports 1,9443 -j DROP", "accept", "drop"),
    ("another interface", f"{OPEN}\n-A INPUT -i eth1 -j DROP", "accept", "accept"),
    ("wild interface", f"{OPEN}\n-A INPUT -i eth+ -j DROP", "drop", "drop"),
    (
        "logged",
        f"{SHUT}\n-A INPUT -j LOG --log-prefix 'a b'\n-A INPUT -j ACCEPT",
        "accept",
        "accept",
    ),
    ("some clients", f"{SHUT}\n-A INPUT -s 192.0.2.0/24 -p tcp -j ACCEPT", "drop", None),
    ("unknown match", f"{SHUT}\n-A INPUT -m set --match-set x src -j ACCEPT", None, None),
    ("unknown, same end", f"{OPEN}\n-A INPUT -m bogus --x 1 -j ACCEPT", "accept", "accept"),
    ("a loop", f"{OPEN}\n:a - [0:0]\n-A INPUT -j a\n-A a -j a", None, None),
    ("ufw", UFW, "drop", "drop"),
    ("ufw, allowed", UFW.replace("22 ", "9443 "), "drop", "accept"),
]


@pytest.mark.parametrize(
    ("rules", "vrrp", "port"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_fate_of_a_packet(rules: str, vrrp: Fate, port: Fate) -> None:
    rules = rules if rules.startswith("*") else f"*filter\n{rules}\nCOMMIT"
    read = parse_filter(rules)
    assert (read.fate(VRRP), read.fate(PORT)) == (vrrp, port)


@pytest.mark.parametrize(
    ("rules", "fate"),
    [
        (":OUTPUT ACCEPT [0:0]\n-A INPUT -j DROP", "accept"),
        (":OUTPUT DROP [0:0]", "drop"),
        (":OUTPUT DROP [0:0]\n-A OUTPUT -d 198.51.100.0/24 -o eth0 -p vrrp -j ACCEPT", "accept"),
        (":OUTPUT DROP [0:0]\n-A OUTPUT -m addrtype --dst-type LOCAL -j ACCEPT", "drop"),
        (":OUTPUT ACCEPT [0:0]\n-A OUTPUT -p vrrp -j DROP", "drop"),
        (":OUTPUT ACCEPT [0:0]\n-A OUTPUT -o eth1 -j DROP", "accept"),
    ],
)
def test_the_fate_of_a_packet_that_leaves(rules: str, fate: Fate) -> None:
    leaving = Packet("112", "198.51.100.11", "198.51.100.12", None, "eth0", leaving=True)
    assert parse_filter(f"*filter\n{rules}\nCOMMIT").fate(leaving) == fate


def test_lines_that_are_cut_off_are_ignored() -> None:
    text = ":INPUT\n:\n-A\n-A INPUT -m comment --comment 'cut\n:FORWARD DROP [0:0]\n"
    assert parse_filter(text).policies == {"FORWARD": "DROP"}
