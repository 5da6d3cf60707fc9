"""Where Debian packages come from."""

from __future__ import annotations

from hadeploy.errors import HadeployError
from hadeploy.lab.tools import run_tool

# Debian's own name for its mirrors, for machines that are not Debian or have no lists yet.
_FALLBACK = "http://deb.debian.org/debian"


def parse_index_targets(text: str) -> str | None:
    """The first archive that apt says is Debian's main one.

    Args:
        text: lines of `REPO_URI|COMPONENT|ORIGIN|LABEL`.
    """
    for line in text.splitlines():
        uri, component, origin, label = line.split("|")
        if (component, origin, label) == ("main", "Debian", "Debian"):
            return uri.rstrip("/")
    return None


def debian_mirror() -> str:
    """This machine's own Debian mirror, else the general one."""
    line = "$(REPO_URI)|$(COMPONENT)|$(ORIGIN)|$(LABEL)"
    try:
        text = run_tool(
            ("apt-get", "indextargets", "--format", line, "Created-By: Packages"),
            operation="asking apt for this machine's mirror",
        )
    except HadeployError:
        return _FALLBACK
    return parse_index_targets(text) or _FALLBACK
