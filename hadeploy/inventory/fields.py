"""The types of values in an inventory, with validation and error messages.

By default, pydantic accepts `true` as the number 1, and its messages use terms of Python.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPInterface = ipaddress.IPv4Interface | ipaddress.IPv6Interface

# Patterns of text values; SHAPES has their error messages.
DURATION: Final = r"^[1-9][0-9]*(ms|s|m|h|d)$"
NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$"
CONTAINER_NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}$"
NODE_NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9_.:-]{0,62}$"
INTERFACE_NAME: Final = r"^[a-zA-Z0-9_.@-]{1,15}$"
IMAGE: Final = r"^[a-z0-9][a-zA-Z0-9._:/-]*(@sha256:[0-9a-f]{64})?$"
MIRROR: Final = (
    r"^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9-]+(\.[a-z0-9-]+)*:[0-9]{1,5})(/[a-z0-9._-]+)*$"
)
LINE: Final = r"^[^\x00-\x1f\x7f]+$"
WORD: Final = r"^[^\s\x00-\x1f\x7f-][^\s\x00-\x1f\x7f]*$"
# OpenSSH also refuses these characters, because an ssh config can pass the name to a shell (ssh.c,
# valid_hostname and valid_ruser; CVE-2023-51385).
_SHELL: Final = r"'`\"$;&<>|(){}"
_HOST_NAME: Final = rf"[^\s\x00-\x1f\x7f@:,\[\]\\{_SHELL}-][^\s\x00-\x1f\x7f@:,\[\]\\{_SHELL}]*"
_IPV6: Final = r"[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(%[a-zA-Z0-9_.-]+)?"
HOST: Final = rf"^({_HOST_NAME}|{_IPV6})$"
_LOGIN: Final = rf"[^\s\x00-\x1f\x7f,{_SHELL}-][^\s\x00-\x1f\x7f,{_SHELL}]*"
LOGIN: Final = rf"^{_LOGIN}$"
_HOP: Final = (
    rf"({_LOGIN}@)?"
    rf"({_HOST_NAME}(:[0-9]{{1,5}})?|\[{_IPV6}\](:[0-9]{{1,5}})?|{_IPV6})"
)
JUMP: Final = rf"^{_HOP}(,{_HOP})*$"
URL_PATH: Final = r"^/[^\s\x00-\x1f\x7f\"'\\#]*$"
# Not a host name, which haproxy would have to resolve at its start; not a socket, which the
# container does not contain.
LOG_TARGET: Final = r"^(stdout|stderr|[0-9.]+(:[0-9]{1,5})?|\[[0-9a-fA-F:.]+\]:[0-9]{1,5})$"
LOG_FACILITY: Final = (
    r"^(kern|user|mail|daemon|auth2?|syslog|lpr|news|uucp|cron2?|ftp|ntp|audit|alert|local[0-7])$"
)
LOG_SIZE: Final = r"^[1-9][0-9]*[kmg]$"
REFERENCE: Final = r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:[^\x00-\x1f]+|cmd:[^\x00-\x1f]+)$"
# Stands for the address of each node in the inventory.
NODE: Final = "node"
SNIPPET: Final = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"

SHAPES: Final[Mapping[str, str]] = {
    DURATION: "must be a whole number with a unit: ms, s, m, h or d, such as 500ms, 5s, 4h",
    NAME: "must be 1 to 63 letters, digits, '.', '_' or '-', a letter or digit first",
    CONTAINER_NAME: "must be 2 to 63 letters, digits, '.', '_' or '-', a letter or digit first",
    NODE_NAME: "must be a host name or an address: 1 to 63 letters, digits, '.', '_', ':' or '-'",
    INTERFACE_NAME: "must be a Linux interface name of 1 to 15 characters, such as eth0 or"
    " bond0.10",
    IMAGE: "must be an image reference, such as haproxy:3.2.21 or"
    " registry.local:5000/haproxy:3.2.9",
    MIRROR: "must be host[:port][/path] of a registry, such as registry.local:5000/mirror (a host"
    " without a dot needs a port)",
    LINE: "must be one line of text, and not empty",
    WORD: "must be text without spaces that does not begin with '-'",
    LOGIN: "must be text without spaces, commas and shell metacharacters, and not begin with '-'",
    HOST: "must be a host name or an address; user and port have their own keys",
    JUMP: "must be [user@]host[:port], or several of them separated by commas; put an IPv6 address"
    " with a port in brackets",
    URL_PATH: "must be a path that begins with '/', without spaces, quotes, '\\' or '#'",
    LOG_TARGET: "must be stdout, stderr or the address of a syslog server, such as 10.0.0.5:514 or"
    " [fd00::5]:514",
    LOG_FACILITY: "must be a syslog facility, such as local0",
    LOG_SIZE: "must be a whole number with k, m or g, such as 10m",
    # Without the wrong value, which may be the password itself.
    REFERENCE: "must be a reference to the password (env:NAME, file:PATH or cmd:COMMAND), not the"
    " password itself",
    SNIPPET: "must be text without control characters",
}

_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONGEST_TIMER_MS: Final = 2**31 - 1


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _address(value: object) -> object:
    if isinstance(value, IPAddress):
        return value
    try:
        if isinstance(value, str) and "%" not in value:
            return ipaddress.ip_address(value)
    except ValueError:
        pass
    raise ValueError(f"must be an IP address without a prefix, not {_shown(value)}")


def _interface(value: object) -> object:
    if isinstance(value, IPInterface):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F.:]+(/[0-9]{1,3})?", value):
            return ipaddress.ip_interface(value)
    except ValueError:
        pass
    raise ValueError(f"must be an IP address, with or without /prefix, not {_shown(value)}")


def _whole(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        # Some template tools quote numbers.
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"must be a whole number, not {_shown(value)}")


def _number(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", value):
        return float(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 10**18:
        return value
    raise ValueError(f"must be a number, not {_shown(value)}")


def _switch(value: object) -> object:
    if isinstance(value, bool):
        return value
    reason = ""
    if isinstance(value, str) and value.lower() in ("yes", "no", "on", "off", "y", "n"):
        reason = " (which is text in YAML 1.2)"
    raise ValueError(f"must be true or false, not {_shown(value)}{reason}")


def milliseconds(duration: str) -> int:
    """A duration such as `5s` in milliseconds.

    Args:
        duration: text that a Duration field has accepted.
    """
    number = duration.rstrip("dhms")
    return int(number) * _UNITS_MS[duration[len(number) :]]


def _within_timer(duration: str) -> str:
    if len(duration) > 12 or milliseconds(duration) > _LONGEST_TIMER_MS:
        raise ValueError("must be at most 24 days, the longest timer of haproxy")
    return duration


def _log_target(target: str) -> str:
    if target not in ("stdout", "stderr"):
        host, _, port = target.rpartition(":") if ":" in target else (target, "", "514")
        _address(host.strip("[]"))
        if not 1 <= int(port) <= 65535:
            raise ValueError(f"port {port} must be 1 to 65535")
    return target


def _metrics_address(value: object) -> object:
    if value == NODE:
        return value
    try:
        if isinstance(value, str) and "%" not in value:
            address = ipaddress.ip_address(value)
            if address.is_loopback or address.is_unspecified:
                return str(address)
    except ValueError:
        pass
    raise ValueError(
        f"must be {NODE} (the address of each node), 127.0.0.1, ::1, 0.0.0.0 or ::, not"
        f" {_shown(value)}"
    )


def _absolute(path: str) -> str:
    if not path.startswith("/") or posixpath.normpath(path) in ("/", "//"):
        raise ValueError("must be an absolute path other than '/'")
    if not path.isprintable() or any(c in path for c in ":,'\"\\") or ".." in path.split("/"):
        raise ValueError(
            "must not contain ':', ',', quotes, a backslash, '..' or control characters"
        )
    return "/" + posixpath.normpath(path).lstrip("/")


class AlsoText:
    """Marks a section with a short form of one line of text, for the JSON Schema."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Allow text or the section."""
        return {"anyOf": [{"type": "string"}, handler(schema)]}


Address = Annotated[IPAddress, BeforeValidator(_address)]
AddressWithPrefix = Annotated[IPInterface, BeforeValidator(_interface)]
Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Switch = Annotated[bool, BeforeValidator(_switch)]
VrrpVersion = Annotated[Literal[2, 3], BeforeValidator(_whole)]
Port = Annotated[Whole, Field(ge=1, le=65535)]
Duration = Annotated[str, Field(pattern=DURATION), AfterValidator(_within_timer)]
Name = Annotated[str, Field(pattern=NAME)]
ContainerName = Annotated[str, Field(pattern=CONTAINER_NAME)]
NodeName = Annotated[str, Field(pattern=NODE_NAME)]
InterfaceName = Annotated[str, Field(pattern=INTERFACE_NAME)]
ImageReference = Annotated[str, Field(pattern=IMAGE)]
Mirror = Annotated[str, Field(pattern=MIRROR)]
Line = Annotated[str, Field(pattern=LINE)]
Word = Annotated[str, Field(pattern=WORD)]
Host = Annotated[str, Field(pattern=HOST)]
Login = Annotated[str, Field(pattern=LOGIN)]
Jump = Annotated[str, Field(pattern=JUMP)]
UrlPath = Annotated[str, Field(pattern=URL_PATH)]
LogTarget = Annotated[str, Field(pattern=LOG_TARGET), AfterValidator(_log_target)]
LogFacility = Annotated[str, Field(pattern=LOG_FACILITY)]
LogSize = Annotated[str, Field(pattern=LOG_SIZE)]
MetricsAddress = Annotated[str, BeforeValidator(_metrics_address)]
SecretReference = Annotated[str, Field(pattern=REFERENCE)]
Snippet = Annotated[str, Field(pattern=SNIPPET)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
