"""What the registry of an image said when a node's engine asked for it. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from hadeploy.inventory.references import registry_of
from hadeploy.verify.proof import Verdict

# A registry that wants to know who we are, or knows and says no. Some say so of what is not there,
# too, and the engine has no status of its own for it.
_REFUSED = re.compile(r"unauthorized|authentication required|denied|no basic auth", re.I)


@dataclass(frozen=True)
class Asked:
    """An answer.

    Attributes:
        code: of HTTP; 0 if there was none.
        said: its document.
        login: whether the inventory's login went with the question.
    """

    code: int
    said: dict[str, Any]
    login: bool = False

    @property
    def architectures(self) -> set[str]:
        """What the image is for, as far as it was told."""
        platforms = self.said.get("Platforms")
        known = [p for p in platforms if isinstance(p, dict)] if isinstance(platforms, list) else []
        return {str(platform.get("architecture", "")) for platform in known} - {"", "unknown"}

    def judged(self, reference: str, architecture: str) -> tuple[Verdict, str, str | None]:
        """A finding's verdict, message and fix.

        Args:
            reference: of the image that was asked for.
            architecture: the node's, as images say it.
        """
        registry = registry_of(reference)
        if self.code == 200:
            there = self.architectures
            if not there or architecture in there:
                return "pass", f"{reference} will be pulled; {registry} has it", None
            return (
                "fail",
                f"{reference} at {registry} is for {', '.join(sorted(there))}, and the node is "
                f"{architecture}",
                f"name an image for {architecture}",
            )
        why = str(self.said.get("message") or "no answer")[:300]
        message = f"{reference} cannot be pulled: {why}"
        if _REFUSED.search(why) and not self.login:
            # Root's own login on the node was not asked: the Docker client has it.
            return "warn", message, "give images.registry.user and password, or log in there"
        return (
            "fail",
            message,
            f"is {registry} reachable from the node, and is the image there? else bring it there "
            "from here: hadeploy images push",
        )


def parse_asked(text: str, *, login: bool) -> Asked:
    """What curl printed: the document, and in the last line the status.

    Args:
        text: all of it.
        login: whether the inventory's login went with the question.
    """
    body, _, code = text.strip().rpartition("\n")
    number = int(code) if code.strip().isdigit() else 0
    try:
        said = json.loads(body)
    except ValueError:
        said = {"message": body.strip()} if body.strip() else {}
    return Asked(number, said if isinstance(said, dict) else {}, login)
