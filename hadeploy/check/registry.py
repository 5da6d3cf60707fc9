"""The answer of a registry about an image, requested by the engine of a node. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from hadeploy.inventory.references import registry_of
from hadeploy.verify.proof import Verdict

# A registry that requires or rejects a login. Some also answer so for a missing image, and the
# engine has no separate status for it.
_REFUSED = re.compile(r"unauthorized|authentication required|denied|no basic auth", re.I)


@dataclass(frozen=True)
class Asked:
    """An answer.

    Attributes:
        code: the HTTP status; 0 for none.
        said: its document.
        login: whether the request had the login of the inventory.
    """

    code: int
    said: dict[str, Any]
    login: bool = False

    @property
    def architectures(self) -> set[str]:
        """The known architectures of the image."""
        platforms = self.said.get("Platforms")
        known = [p for p in platforms if isinstance(p, dict)] if isinstance(platforms, list) else []
        return {str(platform.get("architecture", "")) for platform in known} - {"", "unknown"}

    def judged(self, reference: str, architecture: str) -> tuple[Verdict, str, str | None]:
        """Verdict, message and fix of a finding.

        Args:
            reference: the reference of the image.
            architecture: the architecture of the node, as images name it.
        """
        registry = registry_of(reference)
        if self.code == 200:
            there = self.architectures
            if not there or architecture in there:
                return "pass", f"{reference} will be pulled; {registry} has it", None
            return (
                "fail",
                f"{reference} at {registry} is for {', '.join(sorted(there))}, but the node is "
                f"{architecture}",
                f"use an image for {architecture}",
            )
        why = str(self.said.get("message") or "no answer")[:300]
        message = f"{reference} cannot be pulled: {why}"
        if _REFUSED.search(why) and not self.login:
            # The login of root on the node was not used: only the Docker client has it.
            return "warn", message, "set images.registry.user and password, or log in on the node"
        return (
            "fail",
            message,
            f"check that {registry} is reachable from the node and has the image; or send it from "
            "this machine: hadeploy images push",
        )


def parse_asked(text: str, *, login: bool) -> Asked:
    """Parse the output of curl: the document, and the status in the last line.

    Args:
        text: the output.
        login: whether the request had the login of the inventory.
    """
    body, _, code = text.strip().rpartition("\n")
    number = int(code) if code.strip().isdigit() else 0
    try:
        said = json.loads(body)
    except ValueError:
        said = {"message": body.strip()} if body.strip() else {}
    return Asked(number, said if isinstance(said, dict) else {}, login)
