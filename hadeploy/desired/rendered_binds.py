"""The ports of a rendered haproxy.cfg, to which templates can add some. Pure."""

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
    """A port, or a range of ports, that the new haproxy.cfg binds.

    Attributes:
        at: address and ports.
        line: the line of the file, without indentation.
        transparent: whether it binds an address that the node may not have.
    """

    at: Endpoint
    line: str
    transparent: bool

    @property
    def lowest(self) -> int:
        """The lowest port; 65536 without a port."""
        return self.at.ports[0] if self.at.ports else _NO_PORT


def rendered_binds(text: str) -> tuple[RenderedBind, ...]:
    """The ports that a haproxy.cfg binds in the network of the node."""
    return tuple(
        RenderedBind(endpoint, line.text, "transparent" in line.words)
        for section in sections(text)
        if section.kind in FRONTENDS
        for line in section.all("bind")
        for endpoint in endpoints(line, {})
    )


def has_templates(cluster: Cluster) -> bool:
    """Whether templates can add lines to haproxy.cfg."""
    templates = cluster.templates
    return bool(templates.folder) or templates.extra != type(templates.extra)()


def binds_privileged(text: str) -> bool:
    """Whether a haproxy.cfg binds a port below 1024, which requires root."""
    return any(bind.lowest < _UNPRIVILEGED for bind in rendered_binds(text))
