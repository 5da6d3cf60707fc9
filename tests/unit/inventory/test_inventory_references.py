"""Names of images."""

from __future__ import annotations

import pytest

from hadeploy.inventory.cluster import Cluster
from hadeploy.inventory.references import file_name, full, registry_of
from tests.unit import builders


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("haproxy", "docker.io/library/haproxy:latest"),
        ("osixia/keepalived:2.3.4", "docker.io/osixia/keepalived:2.3.4"),
        ("localhost:5000/haproxy:1", "localhost:5000/haproxy:1"),
        ("localhost:5000/haproxy", "localhost:5000/haproxy:latest"),
    ],
)
def test_references_are_compared_in_full(short: str, long: str) -> None:
    assert full(short) == long


@pytest.mark.parametrize(
    ("reference", "registry", "file"),
    [
        ("haproxy:3.2", "docker.io", "haproxy-3.2-amd64.tar.gz"),
        ("osixia/keepalived:2", "docker.io", "osixia-keepalived-2-amd64.tar.gz"),
        ("r:5000/m/haproxy:3", "r:5000", "m-haproxy-3-amd64.tar.gz"),
        ("localhost/haproxy", "localhost", "haproxy-latest-amd64.tar.gz"),
    ],
)
def test_registry_and_file_of_a_reference(reference: str, registry: str, file: str) -> None:
    assert registry_of(reference) == registry
    assert file_name(reference, "amd64") == file


@pytest.mark.parametrize(
    ("reference", "pulled"),
    [
        ("haproxy:3", "r.example:5000/m/haproxy:3"),
        ("osixia/haproxy:3", "r.example:5000/m/osixia/haproxy:3"),
        ("docker.io/library/haproxy:3", "docker.io/library/haproxy:3"),
        ("localhost:5000/haproxy:3", "localhost:5000/haproxy:3"),
    ],
)
def test_the_mirror_applies_to_references_without_a_registry(reference: str, pulled: str) -> None:
    images = {"haproxy": {"reference": reference}, "registry": {"mirror": "r.example:5000/m"}}
    cluster = builders.cluster(images=images)
    assert cluster.images.haproxy.reference == pulled
    assert builders.desired(cluster)["n1"].container("haproxy").image == pulled
    # What the nodes keep for going back is an inventory, too.
    again = Cluster.model_validate(cluster.model_dump(mode="json", by_alias=True))
    assert again == cluster


@pytest.mark.parametrize(
    "mirror", ["https://r.example", "r.example/", "mirror", "mirror/x", "r.example:5000/M", "-"]
)
def test_what_is_no_mirror_is_refused(mirror: str) -> None:
    with pytest.raises(ValueError, match="mirror"):
        builders.cluster(images={"registry": {"mirror": mirror}})
