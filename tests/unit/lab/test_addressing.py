from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from hadeploy.errors import HadeployError
from hadeploy.lab import addressing
from hadeploy.lab.addressing import Addressing


def make(name: str = "lab", subnet: str = "198.51.100.0/24", nodes: int = 3) -> Addressing:
    return Addressing(name, IPv4Network(subnet), addressing.node_names(nodes))


def test_the_default_lab_has_the_addresses_that_the_documents_name() -> None:
    lab = make()
    assert str(lab.controller.v4) == "198.51.100.1/24"
    assert [str(lab.node(n).v4.ip) for n in lab.nodes] == [
        "198.51.100.11",
        "198.51.100.12",
        "198.51.100.13",
    ]
    assert str(lab.vip.v4) == "198.51.100.100/24"


def test_ipv6_addresses_end_as_the_ipv4_ones_do() -> None:
    lab = make()
    assert str(lab.subnet6) == "2001:db8:c633:6400::/64"
    assert str(lab.node("n2").v6) == "2001:db8:c633:6400::12/64"
    assert str(lab.vip.v6) == "2001:db8:c633:6400::100/64"


def test_hardware_addresses_are_local_and_follow_from_the_address() -> None:
    assert make().node("n1").mac == "02:00:c6:33:64:0b"


def test_an_unknown_node_is_refused_by_name() -> None:
    with pytest.raises(HadeployError, match="no node 'n9'"):
        make().node("n9")


@pytest.mark.parametrize("name", ["lab", "a", "dev1", "abcdefgh"])
def test_every_interface_name_fits_into_the_kernel(name: str) -> None:
    lab = make(addressing.check_name(name), nodes=addressing.MAX_NODES)
    assert max(len(scope) for scope in [lab.bridge, *map(lab.scope, lab.nodes)]) <= 15


@pytest.mark.parametrize("name", ["", "Lab", "1lab", "my-lab", "lab.1", "abcdefghi", "lab\n", "ä"])
def test_ambiguous_or_too_long_names_are_refused(name: str) -> None:
    with pytest.raises(HadeployError):
        addressing.check_name(name)


def test_a_labs_names_are_not_the_beginning_of_anothers() -> None:
    assert not make("dev12").bridge.startswith(f"{make('dev1').prefix}-n")


def test_other_labs_get_a_benchmark_subnet_that_is_always_the_same() -> None:
    subnet = addressing.default_subnet("dev1")
    assert subnet == addressing.default_subnet("dev1")
    assert subnet.subnet_of(IPv4Network("198.18.0.0/15"))
    assert addressing.default_subnet("lab") == IPv4Network("198.51.100.0/24")


@pytest.mark.parametrize("text", ["198.18.7.0/24", "198.18.0.0/16", "203.0.113.0/25"])
def test_documentation_and_benchmark_subnets_are_taken(text: str) -> None:
    assert addressing.check_subnet(text) == IPv4Network(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.0/24", "may be in use elsewhere"),
        ("198.16.0.0/12", "may be in use elsewhere"),
        ("198.18.0.0/26", "too small"),
        ("198.18.0.1/24", "host bits"),
        ("rubbish", "rubbish"),
        ("2001:db8::/64", "2001:db8"),
    ],
)
def test_other_subnets_are_refused(text: str, reason: str) -> None:
    with pytest.raises(HadeployError, match=reason):
        addressing.check_subnet(text)


def test_a_subnet_in_use_is_refused_and_its_user_named() -> None:
    with pytest.raises(HadeployError, match="interface eth0 uses"):
        addressing.check_free(
            IPv4Network("192.0.2.0/24"), [("interface eth0", IPv4Network("192.0.2.0/25"))]
        )


@pytest.mark.parametrize("count", [0, -1, 90])
def test_node_counts_out_of_range_are_refused(count: int) -> None:
    with pytest.raises(HadeployError):
        addressing.node_names(count)


def test_blackhole_metrics_are_valid_and_differ() -> None:
    metrics = {make(name).blackhole_metric for name in ("lab", "dev1", "dev2", "dev3")}
    assert len(metrics) == 4
    assert all(3_000_000_000 <= metric < 2**32 for metric in metrics)
