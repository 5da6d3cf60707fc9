"""Digests of what an inventory only points to: templates, the VRRP password, image archives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hadeploy.check.archive import read_archive
from hadeploy.desired.templates import template_digests
from hadeploy.inventory.paths import beside
from hadeploy.observe.observed_node import Applied
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.steps import Plan

# Of a digest, in hex: they are compared with each other, and protect nothing.
DIGITS = 12


def contents_of(inputs: Inputs, plan: Plan, record: Applied | None) -> dict[str, str]:
    """What this run applies that does not stand in the inventory itself.

    Args:
        inputs: all that the run was given; the desired state was made from its templates.
        plan: an archive counts where the plan loads it. It may be gone from here once all nodes
            have its image, and is not used then.
        record: the newest that the nodes have.

    Returns:
        The field that points to it → a digest. In a folder each template counts by itself.
    """
    found = {
        f"templates.folder/{name}": digest[:DIGITS]
        for name, digest in sorted(template_digests(inputs.templates).items())
        if inputs.templates
    }
    if inputs.password is not None:
        secret = inputs.password.get_secret_value()
        found["vrrp.password"] = _slow_digest(inputs.cluster.name, secret)
    return {**found, **_archives(inputs, plan, record)}


def _archives(inputs: Inputs, plan: Plan, record: Applied | None) -> Mapping[str, str]:
    found = {}
    loaded = {s.role for turn in plan.nodes for s in turn.steps if s.action == "load-image"}
    for role in ("haproxy", "keepalived"):
        image = getattr(inputs.cluster.images, role)
        if image.archive is None:
            continue
        path = f"images.{role}.archive"
        known = record.contents.get(path) if record and record.contents else None
        if role in loaded:
            archive = read_archive(beside(inputs.folder, image.archive))
            known = archive.id_of(image.reference) or known
        if known:
            found[path] = known[:DIGITS]
    return found


def _slow_digest(cluster: str, secret: str) -> str:
    """A password of eight characters could be guessed from a plain hash."""
    salt = f"hadeploy record {cluster}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1).hex()[:DIGITS]
