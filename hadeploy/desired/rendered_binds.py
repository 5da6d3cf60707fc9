"""What a rendered haproxy.cfg binds, where templates can add to the inventory's ports. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hadeploy.config_files.haproxy import FRONTENDS, sections
from hadeploy.config_files.haproxy_values import Endpoint, endpoints
from hadeploy.inventory.cluster import Cluster

EVERY = ("*", "::")
_UNPRIVILEGED = 1024
_NO_PORT = 65536


@dataclass(frozen=True)
class RenderedBind:
    """A port, or several in a row, that the new haproxy.cfg binds.

    Attributes:
        at: address and ports.
        line: of the file, without indentation.
        transparent: whether the node need not have the address.
    """

    at: Endpoint
    line: str
    transparent: bool

    @property
    def lowest(self) -> int:
        """The lowest port; 65536 where it has none."""
        return self.at.ports[0] if self.at.ports else _NO_PORT


def rendered_binds(text: str) -> tuple[RenderedBind, ...]:
    """What a haproxy.cfg binds, with the node's network."""
    return tuple(
        RenderedBind(one, line.text, "transparent" in line.words)
        for section in sections(text)
        if section.kind in FRONTENDS
        for line in section.all("bind")
        for one in endpoints(line, {})
    )


def has_templates(cluster: Cluster) -> bool:
    """Whether haproxy.cfg can hold what the inventory's own keys do not say."""
    templates = cluster.templates
    return bool(templates.folder) or templates.extra != type(templates.extra)()


def binds_privileged(text: str) -> bool:
    """Whether a haproxy.cfg binds a port that the image's own user, not root since 2.4, may not."""
    return any(bind.lowest < _UNPRIVILEGED for bind in rendered_binds(text))
