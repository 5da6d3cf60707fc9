"""keepalived.conf, read as keepalived reads it: what it dumped of these (2.2.7) is what we say."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from hadeploy.adopt.classic import Classic, Refused, Script, addresses_in, read_classic
from hadeploy.config_files.keepalived import parse
from tests.unit.adopt import classic_nodes

ODD = r"""! a comment of the old kind
global_defs {
  router_id x   # unquoted "quotes" in a comment
}
vrrp_script chk {
  script "/bin/true # not a comment"
  weight -30
}
vrrp_instance "VI 1"
{
  interface eth0
  state BACKUP
  nopreempt
  virtual_router_id 77
  priority 100
  priority 150
  advert_int 1.5
  authentication {
    auth_type PASS
    auth_pass "long#pass!word"
  }
  virtual_ipaddress {
    198.51.100.100/24 dev eth0 label eth0:1
  }
  virtual_ipaddress {
    198.51.100.101
  }
  track_script {
    chk weight 5
  }
}
"""

PLAIN = """vrrp_instance VI_1 {
  interface eth0
  virtual_router_id 9
  %s
  virtual_ipaddress {
    198.51.100.100
  }
}
"""


def password(of: Classic) -> str | None:
    return of.password.get_secret_value() if of.password else None


def auth(text: str) -> str:
    return PLAIN % f"authentication {{\n auth_type PASS\n {text}\n }}"


def refusals(text: str) -> list[str]:
    with pytest.raises(Refused) as caught:
        read_classic(text)
    return [what for what, hint in caught.value.reasons if hint]


def test_a_real_one_of_the_recipe_is_read() -> None:
    classic = read_classic(classic_nodes.by_hand("multicast-n1").keepalived.config.decode())
    assert (classic.virtual_router_id, classic.version, classic.advert_interval) == (51, 2, 1.0)
    assert password(classic) == classic_nodes.PASSWORD
    assert classic.peers == (), "the recipe's empty unicast_peer is multicast"
    assert classic.source is None
    assert classic.addresses == {classic_nodes.VIP}
    assert (classic.interface, classic.priority, classic.state) == ("eth0", 100, "MASTER")
    assert [s.weight for s in classic.scripts] == [21]
    assert "netstat -nlp | grep 9443" in classic.scripts[0].command
    assert classic.notify == ("notify /container/service/keepalived/assets/notify.sh",)
    assert classic_nodes.PASSWORD not in repr(classic)


def test_a_real_one_with_peers_is_read() -> None:
    classic = read_classic(classic_nodes.by_hand("unicast-n1").keepalived.config.decode())
    assert classic.source == "198.19.122.11"
    assert classic.peers == ("198.19.122.12", "198.19.122.13")


def test_an_odd_one_is_read_as_keepalived_does() -> None:
    classic = read_classic(ODD)
    assert classic.instance == "VI 1"
    assert classic.virtual_router_id == 77
    assert classic.priority == 150, "the last one counts"
    assert classic.advert_interval == 2.0, "version 2 has whole seconds"
    assert password(classic) == "long#pas", "cut at 8; a quoted # is none"
    assert classic.vips == (
        ipaddress.ip_interface("198.51.100.100/24"),
        ipaddress.ip_interface("198.51.100.101/32"),
    )
    assert classic.nopreempt
    assert classic.scripts == (Script("chk", "/bin/true # not a comment", 5),)


def test_braces_and_values_on_one_line_are_read() -> None:
    classic = read_classic(
        "vrrp_instance VI_1 { interface eth0\n  virtual_router_id 9\n"
        "  authentication { auth_type PASS\n    auth_pass abc }\n"
        "  unicast_peer { 198.51.100.12\n 198.51.100.13\n }\n"
        "  virtual_ipaddress { 198.51.100.100 }\n}\n"
    )
    assert password(classic) == "abc"
    assert classic.peers == ("198.51.100.12", "198.51.100.13")
    assert classic.addresses == {"198.51.100.100"}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("auth_pass abc#def", "abc"),
        ("auth_pass abc ! said twice", "abc"),
        ('auth_pass x"yz"', "x"),
        ('auth_pass ""', None),
        ("", None),
    ],
)
def test_a_password_is_what_is_really_sent(line: str, what: str | None) -> None:
    assert password(read_classic(auth(line))) == what


@pytest.mark.parametrize("line", [r"auth_pass a\#b", 'auth_pass "a$b"', "auth_pass 'ab'"])
def test_a_password_that_cannot_be_written_is_refused_and_not_shown(line: str) -> None:
    (what,) = refusals(auth(line))
    assert what == "has an auth_pass that hadeploy does not support"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("state MASTER\nnopreempt", {"nopreempt": False, "priority": 255}),
        ("state BACKUP\nnopreempt", {"nopreempt": True, "priority": 100}),
        ("version 3\nadvert_int 0.255", {"version": 3, "advert_interval": 0.26}),
        ("advert_int 1.4", {"advert_interval": 1.0}),
        ("advert_int 0.2", {"advert_interval": 1.0}),
        # What keepalived does not take for a number is none.
        ("priority nan", {"priority": 100}),
        ("advert_int inf", {"advert_interval": 1.0}),
    ],
)
def test_values_are_as_keepalived_takes_them(lines: str, expected: dict[str, Any]) -> None:
    classic = read_classic(PLAIN % lines)
    assert {name: getattr(classic, name) for name in expected} == expected


def test_version_3_has_no_password() -> None:
    text = "global_defs {\n vrrp_version 3\n}\n" + auth("auth_pass abc")
    assert password(read_classic(text)) is None


def test_ipv6_is_version_3() -> None:
    assert read_classic((PLAIN % "").replace("198.51.100.100", "2001:db8::64")).version == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "has no vrrp_instance"),
        (PLAIN % "" + PLAIN.replace("VI_1", "VI_2") % "", "has 2 vrrp_instances: VI_1, VI_2"),
        ("include /etc/keepalived/conf.d/*.conf\n" + PLAIN % "", "includes other files"),
        (PLAIN % "@n1 priority 100", "uses conditions or variables (@, $, ~)"),
        ("$VIP=198.51.100.100\n" + PLAIN % "", "uses conditions or variables (@, $, ~)"),
        (PLAIN % "authentication {\n auth_type AH\n auth_pass x\n}", "has auth_type AH, which "),
        (PLAIN % "virtual_routes {\n}", "has virtual_routes, which sets routes on the holder"),
        (
            PLAIN % "virtual_ipaddress_excluded {\n 198.51.100.9\n}",
            "has virtual_ipaddress_excluded",
        ),
        (PLAIN % "use_vmac", "has use_vmac, which gives the VIP its own MAC address"),
        ("vrrp_sync_group G {\n group {\n VI_1\n }\n}\n" + PLAIN % "", "has vrrp_sync_group"),
        ("virtual_server 198.51.100.100 443 {\n}\n" + PLAIN % "", "has virtual_server, which"),
        ("global_defs {\n vrrp_strict\n}\n" + PLAIN % "", "has vrrp_strict, which"),
        (
            "global_defs {\n vrrp_mcast_group4 224.0.0.19\n}\n" + PLAIN % "",
            "uses the multicast group 224.0.0.19",
        ),
        ((PLAIN % "").replace("interface eth0", ""), "names no interface"),
        ((PLAIN % "").replace("virtual_router_id 9", ""), "has no virtual_router_id of 1 to 255"),
        ((PLAIN % "").replace("100.100", "100.100 dev eth1"), "has the VIP 198.51.100.100 on eth1"),
        ((PLAIN % "").replace("198.51.100.100", ""), "has no virtual_ipaddress"),
    ],
)
def test_a_classic_cluster_that_cannot_be_adopted_is_refused_with_the_reason(
    text: str, what: str
) -> None:
    (reported,) = refusals(text)
    assert reported.startswith(what)


def test_everything_is_reported_at_once() -> None:
    text = PLAIN % "use_vmac\nvirtual_routes {\n}"
    assert len(refusals("include x\n" + text)) == 3


def test_vips_are_seen_even_where_the_file_is_refused() -> None:
    assert addresses_in(ODD + PLAIN % "use_vmac") == {"198.51.100.100", "198.51.100.101"}


@pytest.mark.parametrize("text", ["}}}", "{", "a {\n b {", '"', "\\", "x {}}\ny", "\x00\xff"])
def test_nonsense_raises_no_internal_error(text: str) -> None:
    parse(text)
    assert refusals(text)


def test_a_line_goes_on_after_a_backslash() -> None:
    (statement,) = parse("priority \\\n 150\n").block
    assert statement.words == ("priority", "150")


def test_an_excluded_address_of_the_other_family_is_a_vip() -> None:
    classic = read_classic(PLAIN % "virtual_ipaddress_excluded {\n 2001:db8::100/64\n}")
    assert [str(vip) for vip in classic.vips] == ["198.51.100.100/32", "2001:db8::100/64"]
    assert classic.version == 2
