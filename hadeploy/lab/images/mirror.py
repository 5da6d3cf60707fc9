"""The mirror for Debian packages."""

from __future__ import annotations

from hadeploy.errors import HadeployError
from hadeploy.lab.tools import run_tool

# For machines that are not Debian or have no package lists yet.
_FALLBACK = "http://deb.debian.org/debian"


def parse_index_targets(text: str) -> str | None:
    """The first main archive of Debian in the output of apt.

    Args:
        text: lines of `REPO_URI|COMPONENT|ORIGIN|LABEL`.
    """
    for line in text.splitlines():
        uri, component, origin, label = line.split("|")
        if (component, origin, label) == ("main", "Debian", "Debian"):
            return uri.rstrip("/")
    return None


def debian_mirror() -> str:
    """The Debian mirror of this machine, or the default one."""
    line = "$(REPO_URI)|$(COMPONENT)|$(ORIGIN)|$(LABEL)"
    try:
        text = run_tool(
            ("apt-get", "indextargets", "--format", line, "Created-By: Packages"),
            operation="reading the mirror of this machine from apt",
        )
    except HadeployError:
        return _FALLBACK
    return parse_index_targets(text) or _FALLBACK
