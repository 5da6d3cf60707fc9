"""Digests of the files and secrets of an inventory: templates, VRRP password, image archives."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hadeploy.check.archive import read_archive
from hadeploy.desired.roles import ROLES
from hadeploy.desired.templates import template_digests
from hadeploy.inventory.paths import beside
from hadeploy.observe.applied import Applied
from hadeploy.plan.inputs import Inputs
from hadeploy.plan.steps import Plan

# Hex digits of a digest; digests are only compared with each other.
DIGITS = 12


def contents_of(inputs: Inputs, plan: Plan, record: Applied | None) -> dict[str, str]:
    """The digests of what this run applies beyond the text of the inventory.

    Args:
        inputs: of the run, with the templates of the desired state.
        plan: an archive is read only if the plan loads it. The file may be missing once all nodes
            have the image.
        record: the newest record of the nodes.

    Returns:
        Field of the inventory → digest, with one entry for each template of a folder.
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
    for role in ROLES:
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
    """scrypt, because a password of eight characters can be guessed from a plain hash."""
    salt = f"hadeploy record {cluster}".encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=1).hex()[:DIGITS]
