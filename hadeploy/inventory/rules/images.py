"""Rules for images: a registry password is for one registry only."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster, Images
from hadeploy.inventory.references import registry_of
from hadeploy.inventory.rules.addresses import Broken


def login_registries(images: Images) -> set[str]:
    """The registries that the login could be for; a valid inventory has one."""
    if images.registry.mirror:
        return {registry_of(f"{images.registry.mirror}/image")}
    pulled = [image for image in (images.haproxy, images.keepalived) if not image.archive]
    return {registry_of(image.reference) for image in pulled or (images.haproxy,)}


def login_is_complete(cluster: Cluster) -> Broken:
    """A login needs a user and a password."""
    registry = cluster.images.registry
    for key, other in (("user", "password"), ("password", "user")):
        if getattr(registry, key) and not getattr(registry, other):
            yield ("images", "registry", key), f"a login also needs {other}"


def login_is_for_one_registry(cluster: Cluster) -> Broken:
    """With two registries, one would receive the password of the other."""
    registries = login_registries(cluster.images)
    if cluster.images.registry.password and len(registries) > 1:
        yield (
            ("images", "registry", "password"),
            f"the images are from {' and '.join(sorted(registries))}, but a password is for one"
            " registry: set that one as mirror, and write the other image with its registry, such"
            " as docker.io/library/haproxy:3.2.21",
        )


RULES = (login_is_complete, login_is_for_one_registry)
