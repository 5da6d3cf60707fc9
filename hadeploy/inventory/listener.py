"""What haproxy does: listeners, their backends, and haproxy as a whole."""

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
    """`10.0.0.1`, `10.0.0.1:6443` and `[2001:db8::1]:6443` are short for the full form."""
    if not isinstance(value, str):
        return value
    split = re.fullmatch(r"\[([^]]*)\](?::(.*))?|([^:]*):([^:]*)", value)
    if split is None:
        return {"address": value}
    address, port = (split[1], split[2]) if value.startswith("[") else (split[3], split[4])
    return {"address": address} if port is None else {"address": address, "port": port}


class Backend(Model):
    """One server behind a listener."""

    address: Address = Field(description="Where the server listens.")
    port: Port | None = Field(None, description="Default: the listener's backend_port.")
    name: Name | None = Field(None, description="Default: from the node with that address.")


# A change waits for the first checks, so a check must not last for ever.
_SHORTEST_CHECK_MS = 100
_LONGEST_CHECK_MS = 60_000


def _as_long_as_a_check(duration: str) -> str:
    """A handshake with a busy API server alone takes tens of milliseconds."""
    if milliseconds(duration) < _SHORTEST_CHECK_MS:
        raise ValueError(f"must be at least 100ms: within {duration} no TLS handshake is sure")
    if milliseconds(duration) > _LONGEST_CHECK_MS:
        raise ValueError("must be at most 1m: `up` waits for the first check of every backend")
    return duration


_CheckTimeout = Annotated[Duration, AfterValidator(_as_long_as_a_check)]


class Check(Model):
    """How haproxy decides that a backend is up."""

    type: Literal["tcp", "https"] = Field(
        "tcp",
        description="tcp: it accepts a connection; https: GET path answers 200 (no TLS check).",
    )
    path: UrlPath = Field("/readyz", description="For https.")
    interval: Duration = Field("2s", description="Time between checks.")
    timeout: _CheckTimeout = Field(
        "5s", description="For https: for a backend to answer a check; 100ms to 1m."
    )
    fall: Whole = Field(3, ge=1, le=100, description="Failed checks until down.")
    rise: Whole = Field(2, ge=1, le=100, description="Good checks until up.")


def _at_least_1_s(duration: str) -> str:
    if milliseconds(duration) < 1000:
        raise ValueError(f"must be at least 1s: after {duration} haproxy would cut every client")
    return duration


def _covers_a_lost_packet(duration: str) -> str:
    """A SYN without an answer is sent again after 1 s (RFC 6298, 2.1)."""
    if milliseconds(duration) < 1000:
        raise ValueError(f"must be at least 1s: within {duration} no lost packet is sent again")
    return duration


_ConnectTimeout = Annotated[Duration, AfterValidator(_covers_a_lost_packet)]
_SilenceTimeout = Annotated[Duration, AfterValidator(_at_least_1_s)]


class Timeouts(Model):
    """haproxy's timeouts; hours for client and server, or `kubectl logs -f` is cut."""

    connect: _ConnectTimeout = Field("5s", description="For a backend to accept; 1s or more.")
    client: _SilenceTimeout = Field(
        "4h", description="Silence of a client until it is cut; 1s or more."
    )
    server: _SilenceTimeout = Field(
        "4h", description="Silence of a backend until it is cut; 1s or more."
    )


_BackendForm = Annotated[Backend, BeforeValidator(_backend_from_text), AlsoText()]


class Listener(Model):
    """A port on every node and what stands behind it."""

    name: Name = Field("kube-apiserver", description="Names it in haproxy's log and statistics.")
    port: Port = Field(9443, description="The port on the VIP and on every node.")
    backend_port: Port = Field(6443, description="The backends' port, unless they say otherwise.")
    backends: tuple[_BackendForm, ...] | None = Field(
        None, min_length=1, description="Default: every node, on backend_port."
    )
    balance: Literal["leastconn", "roundrobin", "source", "first", "static-rr"] = Field(
        "leastconn", description="How haproxy spreads connections; leastconn suits long ones."
    )
    check: Check = Field(Check(), description="How haproxy decides that a backend is up.")
    timeouts: Timeouts = Field(Timeouts(), description="haproxy's timeouts for this listener.")
    maxconn: Whole | None = Field(
        None, ge=1, le=1_000_000, description="Default: an equal share of haproxy.maxconn."
    )


class Metrics(Model):
    """haproxy's exporter for Prometheus and its page of statistics, both without a password."""

    address: MetricsAddress = Field(
        "127.0.0.1",
        description="Who can ask: node (the node's own address), 127.0.0.1, ::1, 0.0.0.0 or ::.",
    )
    port: Port = Field(8404, description="/metrics is for Prometheus, /stats for people.")


class Haproxy(Model):
    """What concerns haproxy as a whole."""

    maxconn: Whole = Field(
        8_000, ge=100, le=1_000_000, description="Connections for all listeners."
    )
    nbthread: Whole | None = Field(
        None, ge=1, le=64, description="Threads; default: one for each CPU of the node."
    )
    hard_stop_after: Duration | None = Field(
        "1h",
        description="How long an old worker may live after a reload; null: no limit.",
    )
    stop_timeout: Whole = Field(
        30, ge=1, le=3600, description="Seconds for connections to end when haproxy is stopped."
    )
    health_port: Port = Field(
        19443, description="On 127.0.0.1 only: what keepalived's check asks; never a service port."
    )
    metrics: Metrics | None = Field(
        None, description="Turns its Prometheus exporter and its page of statistics on."
    )
    log: LogTarget = Field("stdout", description="stdout, or a syslog target such as 10.0.0.5:514.")
    log_facility: LogFacility = Field("local0", description="The syslog facility.")
