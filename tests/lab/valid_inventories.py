"""Inventories that match the schema; the rules refuse some, the others must work."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Texts = st.SearchStrategy[str]


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A section whose fields are all optional."""
    return st.fixed_dictionaries({}, optional=fields)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    """One of these values."""
    return st.sampled_from(values)


durations = st.from_regex(r"\A[1-9][0-9]{0,3}(ms|s|m)\Z")
silences = st.from_regex(r"\A[1-9][0-9]{0,3}(000ms|s|m)\Z")
names = st.from_regex(r"\A[a-zA-Z0-9][a-zA-Z0-9_.-]{1,20}\Z")
ports = st.integers(1, 65535)
v4 = st.integers(1, 254).map(lambda i: f"198.51.100.{i}")
v6 = st.integers(1, 0xFFFF).map(lambda i: f"2001:db8::{i:x}")

backends = (
    v4
    | v6
    | st.builds("{}:{}".format, v4, ports)
    | st.builds("[{}]:{}".format, v6, ports)
    | st.fixed_dictionaries({"address": v4 | v6}, optional={"port": ports, "name": names})
)
listeners = st.fixed_dictionaries(
    {"port": ports},
    optional={
        "name": names,
        "backend_port": ports,
        "backends": st.lists(backends, min_size=1, max_size=4),
        "balance": one_of("leastconn", "roundrobin", "source", "first", "static-rr"),
        "maxconn": st.integers(1, 2000),
        "check": some(
            type=one_of("tcp", "https"),
            path=st.from_regex(r"\A/[!$-&(-Z\]-~]{0,20}\Z"),
            interval=durations,
            timeout=st.from_regex(r"\A([1-9][0-9]{2}ms|[1-5]?[1-9]s|1m)\Z"),
            fall=st.integers(1, 100),
            rise=st.integers(1, 100),
        ),
        "timeouts": some(connect=durations, client=silences, server=silences),
    },
)
haproxies = some(
    maxconn=st.integers(100, 8000),
    nbthread=st.none() | st.integers(1, 64),
    hard_stop_after=st.none() | durations,
    stop_timeout=st.integers(1, 3600),
    health_port=ports,
    metrics=st.none()
    | some(address=one_of("node", "127.0.0.1", "::1", "0.0.0.0", "::"), port=ports),
    log=one_of("stdout", "stderr", "198.51.100.5", "198.51.100.5:1", "[2001:db8::5]:514"),
    log_facility=one_of("local0", "auth2", "cron2", "kern"),
)
vrrps = some(
    failover=one_of("standard", "fast"),
    virtual_router_id=st.integers(1, 255),
    version=one_of(2, 3),
    advert_interval=st.integers(1, 40) | st.floats(0.01, 40.95),
    mode=one_of("unicast", "multicast"),
    preempt=st.booleans(),
    preempt_delay=one_of(0, 60),
    on_check_failure=one_of("fault", "weight"),
    weight=st.none() | st.integers(1, 253),
    password=st.none() | st.just("env:VRRP_PASSWORD"),
    check=some(
        interval=st.integers(1, 60),
        timeout=st.integers(1, 60),
        fall=st.integers(1, 10),
        rise=st.integers(1, 10),
    ),
)


def of_family(addresses: Texts, prefix: str) -> st.SearchStrategy[dict[str, Any]]:
    """Nodes and VIPs of one family, and everything else.

    Args:
        addresses: of hosts.
        prefix: of their subnet.
    """
    hosts = st.lists(addresses, min_size=3, max_size=9, unique=True)

    def built(found: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        vip, *nodes = found
        node = one_of(*nodes)
        return st.fixed_dictionaries(
            {
                "vip": one_of(vip, f"{vip}{prefix}", [vip], found[:2]),
                "nodes": st.permutations(nodes).flatmap(
                    lambda order: st.tuples(
                        *(
                            st.just(address)
                            | st.fixed_dictionaries(
                                {"address": st.just(address)},
                                optional={
                                    "name": names,
                                    "interface": st.just("eth0"),
                                    "priority": st.integers(1, 254),
                                },
                            )
                            for address in order
                        )
                    ).map(list)
                ),
            },
            optional={
                "name": names,
                "listeners": st.lists(
                    listeners | node.map(lambda a: {"backends": [a]}), min_size=1, max_size=3
                ),
                "haproxy": haproxies,
                "vrrp": vrrps,
                "containers": some(haproxy=names, keepalived=names, log_max_file=st.just(2)),
                "paths": some(root=st.from_regex(r"\A/[a-z $`\"';{}]{1,10}\Z")),
            },
        )

    return hosts.flatmap(built)


inventories = of_family(v4, "/24") | of_family(v6, "/64")
