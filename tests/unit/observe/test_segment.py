"""What segment.sh prints."""

from __future__ import annotations

import pytest

from hadeploy.observe.parse_network import parse_addresses
from hadeploy.observe.parse_vrrp import parse_vrrp
from hadeploy.observe.segment import Segment, parse_segment
from hadeploy.scripts.protocol import Message, Reply

SEEN = """\
advert 198.19.199.11 250
advert 198.19.199.13 230
answer 198.19.199.100 02:00:c6:13:c7:0b
answer 198.19.199.100 02:00:c6:13:c7:0d
answer 198.19.199.11 02:00:c6:13:c7:0b
"""


def reply(text: str, *words: str) -> Reply:
    return Reply((Message("segment", words, text.splitlines()),), 0)


def test_what_a_node_sees() -> None:
    assert parse_segment(reply(SEEN, "eth0", "1.30")) == Segment(
        "eth0",
        1.3,
        {
            "198.19.199.100": frozenset({"02:00:c6:13:c7:0b", "02:00:c6:13:c7:0d"}),
            "198.19.199.11": frozenset({"02:00:c6:13:c7:0b"}),
        },
        {"198.19.199.11": 250, "198.19.199.13": 230},
    )


def test_an_ipv6_address_is_written_in_one_way() -> None:
    seen = parse_segment(reply("answer 2001:db8:c613:c700:0:0:0:100 02:00:c6:13:c7:0b\n", "e", "1"))
    assert seen is not None
    assert list(seen.answers) == ["2001:db8:c613:c700::100"]


@pytest.mark.parametrize("line", ["answer x 02:00:c6:13:c7:0b", "advert 198.19.199.1 x", "", "a"])
def test_unparsable_lines_are_left_out(line: str) -> None:
    assert parse_segment(reply(line, "eth0", "0.1")) == Segment("eth0", 0.1)


def test_a_node_that_could_not_ask() -> None:
    assert parse_segment(Reply((), 0)) is None


LO = """\
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
1: lo    inet 198.19.199.100/32 scope global deprecated dynamic noprefixroute lo\\       \
valid_lft 17sec preferred_lft 0sec
"""
LO_JSON = (
    '[{"ifname":"lo","addr_info":[{"local":"127.0.0.1","prefixlen":8,"valid_life_time":4294967295},'
    '{"local":"198.19.199.100","prefixlen":32,"valid_life_time":17}]}]'
)


@pytest.mark.parametrize(("as_json", "as_text"), [("", LO), (LO_JSON, "")])
def test_a_vip_pinned_by_a_handover_is_recognised_by_its_lifetime(
    as_json: str, as_text: str
) -> None:
    own, vip = parse_addresses(as_json, as_text)
    assert (own.pinned, vip.pinned, vip.lifetime) == (False, True, 17)


def test_a_backup_that_has_received_no_advert_names_no_master() -> None:
    """It printed "ff02::12", which was in the buffer."""
    dump = "   State = BACKUP\n   Master router = {}\n   Master priority = {}\n"
    for address, priority, master in (("ff02::12", 0, ""), ("198.51.100.11", 250, "198.51.100.11")):
        state = parse_vrrp(dump.format(address, priority))
        assert state is not None
        assert state.instance is not None
        assert state.instance.master == master
