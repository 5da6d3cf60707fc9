"""The sections of the inventory about haproxy: listeners, backends and global settings."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from hadeploy.inventory.fields import (
    Address,
    AlsoText,
    Duration,
    LogFacility,
    LogTarget,
    MetricsAddress,
    Name,
    Port,
    UrlPath,
    Whole,
    milliseconds,
)
from hadeploy.inventory.parts import Model


def _backend_from_text(value: object) -> object:
    """Expand the short forms `10.0.0.1`, `10.0.0.1:6443` and `[2001:db8::1]:6443`."""
    if not isinstance(value, str):
        return value
    split = re.fullmatch(r"\[([^]]*)\](?::(.*))?|([^:]*):([^:]*)", value)
    if split is None:
        return {"address": value}
    address, port = (split[1], split[2]) if value.startswith("[") else (split[3], split[4])
    return {"address": address} if port is None else {"address": address, "port": port}


class Backend(Model):
    """One server behind a listener."""

    address: Address = Field(description="The address of the server.")
    port: Port | None = Field(None, description="Default: the listener's backend_port.")
    name: Name | None = Field(None, description="Default: the label of the node with that address.")


# A change waits for the first checks, so the timeout of a check is limited.
_SHORTEST_CHECK_MS = 100
_LONGEST_CHECK_MS = 60_000


def _check_timeout(duration: str) -> str:
    """Refuse too short timeouts: a TLS handshake with a busy server takes tens of milliseconds."""
    if milliseconds(duration) < _SHORTEST_CHECK_MS:
        raise ValueError(f"must be at least 100ms: a TLS handshake can take longer than {duration}")
    if milliseconds(duration) > _LONGEST_CHECK_MS:
        raise ValueError("must be at most 1m: `up` waits for the first check of every backend")
    return duration


_CheckTimeout = Annotated[Duration, AfterValidator(_check_timeout)]


class Check(Model):
    """How haproxy checks that a backend is up."""

    type: Literal["tcp", "https"] = Field(
        "tcp",
        description="tcp: connect; https: GET path must return 200 (certificates not verified).",
    )
    path: UrlPath = Field("/readyz", description="For https.")
    interval: Duration = Field("2s", description="Time between checks.")
    timeout: _CheckTimeout = Field(
        "5s", description="For https: time for a backend to answer a check; 100ms to 1m."
    )
    fall: Whole = Field(3, ge=1, le=100, description="Failed checks until a backend is down.")
    rise: Whole = Field(2, ge=1, le=100, description="Passed checks until it is up.")


def _at_least_1_s(duration: str) -> str:
    if milliseconds(duration) < 1000:
        raise ValueError("must be at least 1s: haproxy would disconnect idle clients too early")
    return duration


def _allows_retransmission(duration: str) -> str:
    """A SYN without an answer is sent again after 1 s (RFC 6298, 2.1)."""
    if milliseconds(duration) < 1000:
        raise ValueError("must be at least 1s: a lost packet is sent again after 1 s")
    return duration


_ConnectTimeout = Annotated[Duration, AfterValidator(_allows_retransmission)]
_SilenceTimeout = Annotated[Duration, AfterValidator(_at_least_1_s)]


class Timeouts(Model):
    """haproxy's timeouts; short ones for client and server would interrupt `kubectl logs -f`."""

    connect: _ConnectTimeout = Field("5s", description="Time to connect to a backend; 1s or more.")
    client: _SilenceTimeout = Field(
        "4h", description="Idle time until a client is disconnected; 1s or more."
    )
    server: _SilenceTimeout = Field(
        "4h", description="Idle time until a backend is disconnected; 1s or more."
    )


_BackendForm = Annotated[Backend, BeforeValidator(_backend_from_text), AlsoText()]


class Listener(Model):
    """A port on every node, and its backends."""

    name: Name = Field("kube-apiserver", description="Its name in haproxy's log and statistics.")
    port: Port = Field(9443, description="The port on the VIP and on every node.")
    backend_port: Port = Field(6443, description="The port of backends without their own port.")
    backends: tuple[_BackendForm, ...] | None = Field(
        None, min_length=1, description="Default: every node, on backend_port."
    )
    balance: Literal["leastconn", "roundrobin", "source", "first", "static-rr"] = Field(
        "leastconn", description="haproxy's balance; leastconn suits long connections."
    )
    check: Check = Field(Check(), description="How haproxy checks that a backend is up.")
    timeouts: Timeouts = Field(Timeouts(), description="haproxy's timeouts for this listener.")
    maxconn: Whole | None = Field(
        None, ge=1, le=1_000_000, description="Default: an equal share of haproxy.maxconn."
    )


class Metrics(Model):
    """haproxy's Prometheus exporter and statistics page, both without a password."""

    address: MetricsAddress = Field(
        "127.0.0.1",
        description="Where it listens: node (the node's address), 127.0.0.1, ::1, 0.0.0.0 or ::.",
    )
    port: Port = Field(8404, description="The port of /metrics (Prometheus) and /stats (a page).")


class Haproxy(Model):
    """Settings of haproxy."""

    maxconn: Whole = Field(
        8_000, ge=100, le=1_000_000, description="Maximum connections of all listeners together."
    )
    nbthread: Whole | None = Field(
        None, ge=1, le=64, description="Threads; default: one for each CPU of the node."
    )
    hard_stop_after: Duration | None = Field(
        "1h",
        description="Maximum lifetime of an old worker after a reload; null: no limit.",
    )
    stop_timeout: Whole = Field(
        30, ge=1, le=3600, description="Seconds for connections to end when haproxy stops."
    )
    health_port: Port = Field(19443, description="For keepalived's check, on 127.0.0.1 only.")
    metrics: Metrics | None = Field(
        None, description="Enables the Prometheus exporter and the statistics page."
    )
    log: LogTarget = Field("stdout", description="stdout, or a syslog target such as 10.0.0.5:514.")
    log_facility: LogFacility = Field("local0", description="The syslog facility.")
