"""Hostile configurations are read in time; the file of a foreign container may be one."""

from __future__ import annotations

import time

import pytest

from hadeploy.adopt.classic import addresses_in
from hadeploy.config_files.haproxy_listener import HaproxyContext, read_configuration

# A reader that takes the square of the length takes minutes.
LONG = 128 * 1024


@pytest.mark.parametrize("text", ["x {\n", "{", "}", "${", '"', "a", "\\a", "a\\\n"])
def test_no_keepalived_conf_takes_long_or_fails(text: str) -> None:
    began = time.monotonic()
    assert addresses_in(text * (LONG // len(text))) == frozenset()
    assert time.monotonic() - began < 10


def test_blocks_beyond_the_deepest_are_ignored() -> None:
    vip = "virtual_ipaddress {\n192.0.2.1\n}\n"
    assert addresses_in("x {\n" * 3000 + vip + "}\n" * 3000 + vip) == {"192.0.2.1"}


@pytest.mark.parametrize(
    "text",
    ["$", "${a", '"${a', '"$a', '"', "\\", "a", "*:1-65535,", "listen a\nbind *:1-65535\n"],
)
def test_no_haproxy_cfg_takes_long_or_fails(text: str) -> None:
    began = time.monotonic()
    read_configuration(text * (LONG // len(text)), HaproxyContext()).served(1)
    assert time.monotonic() - began < 10


def test_defaults_that_take_from_one_another_take_no_memory() -> None:
    chain = "".join(f"defaults x{i} from x{i - 1}\n" for i in range(10000))
    read_configuration(f"{chain}listen a\nbind *:1\n", HaproxyContext())
