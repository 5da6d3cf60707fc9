"""Parse the output of surroundings.sh about foreign haproxies and published ports. Pure."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re

from hadeploy.scripts.protocol import Reply

_PORT = re.compile(r"[0-9]{1,5}")


def parse_environment(reply: Reply, about: tuple[str, ...]) -> dict[str, str]:
    """The environment variables that a configuration uses."""
    found: dict[str, str] = {}
    for message in reply.all("foreign-environment"):
        if message.words[:2] == about:
            lines = (line.partition("=") for line in _decoded(message.text).splitlines())
            found |= {name: value for name, equals, value in lines if equals}
    return found


def parse_names(reply: Reply, about: tuple[str, ...]) -> dict[str, str]:
    """Host name → address, of the names that could be resolved."""
    messages = [m.words for m in reply.all("foreign-host") if m.words[:2] == about]
    return {words[2]: words[3] for words in messages if len(words) == 4 and _is_address(words[3])}


def parse_publishers(reply: Reply) -> dict[int, tuple[str, ...]]:
    """Port → the containers for which the engine publishes it."""
    found: dict[int, tuple[str, ...]] = {}
    for message in reply.all("publisher"):
        if len(message.words) == 2 and _PORT.fullmatch(message.words[0]):
            port = int(message.words[0])
            found[port] = (*found.get(port, ()), message.words[1])
    return found


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
