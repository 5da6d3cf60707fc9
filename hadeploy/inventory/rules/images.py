"""Rules on images: a password goes to one registry, and to no other."""

from __future__ import annotations

from hadeploy.inventory.cluster import Cluster, Images
from hadeploy.inventory.references import registry_of
from hadeploy.inventory.rules.addresses import Broken


def login_registries(images: Images) -> set[str]:
    """The registries that a login may be meant for; all is well if there is one.

    Args:
        images: of an inventory.
    """
    if images.registry.mirror:
        return {registry_of(f"{images.registry.mirror}/image")}
    pulled = [image for image in (images.haproxy, images.keepalived) if not image.archive]
    return {registry_of(image.reference) for image in pulled or (images.haproxy,)}


def login_is_whole(cluster: Cluster) -> Broken:
    """A name without a password is no login."""
    registry = cluster.images.registry
    for key, other in (("user", "password"), ("password", "user")):
        if getattr(registry, key) and not getattr(registry, other):
            yield ("images", "registry", key), f"a login needs {other}, too"


def login_is_for_one_registry(cluster: Cluster) -> Broken:
    """Else one of them would be given the password of the other."""
    registries = login_registries(cluster.images)
    if cluster.images.registry.password and len(registries) > 1:
        yield (
            ("images", "registry", "password"),
            f"the images are of {' and '.join(sorted(registries))}, and a password is for one"
            " registry: name that one as mirror, and write the other image with its own registry,"
            " as in docker.io/library/haproxy:3.2.21",
        )


RULES = (login_is_whole, login_is_for_one_registry)
