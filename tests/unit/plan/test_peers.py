"""A keepalived.conf that gets other peers and stays as it is otherwise."""

from __future__ import annotations

from hadeploy.desired import layout
from hadeploy.plan.peers import with_peers
from hadeploy.plan.vrrp_settings import settings_of
from tests.unit import builders

NODES = [{"name": f"n{i}", "address": f"198.51.100.1{i}"} for i in (1, 2, 3, 4)]


def rendered(count: int, **inventory: object) -> tuple[str, str]:
    """The file of n1 in a cluster of so many nodes, and its id."""
    cluster = builders.cluster(nodes=NODES[:count], **inventory)
    file = builders.desired(cluster)["n1"].file(layout.KEEPALIVED_CONF)
    return file.content, file.config_id


def others(count: int) -> list[str]:
    return [str(node["address"]) for node in NODES[1:count]]


def test_it_is_the_file_that_the_larger_cluster_has() -> None:
    for before, after in ((1, 2), (1, 3), (2, 3), (3, 2), (3, 4)):
        found = with_peers(*rendered(before), "198.51.100.11", others(after))
        assert found == rendered(after)


def test_a_single_node_changes_to_unicast() -> None:
    conf, config_id = rendered(1)
    assert settings_of(conf).mode == "multicast"
    found = with_peers(conf, config_id, "198.51.100.11", others(3))
    assert found
    assert settings_of(found[0]).mode == "unicast"
    assert settings_of(found[0]).source == "198.51.100.11"


def test_a_file_without_the_place_or_the_id_is_left_alone() -> None:
    conf, config_id = rendered(3)
    assert with_peers("vrrp_instance a {\n}\n", "", "198.51.100.11", others(3)) is None
    assert with_peers(conf, "of another file", "198.51.100.11", others(3)) is None
    assert with_peers(f"# {config_id}\n", config_id, "198.51.100.11", others(3)) is None
