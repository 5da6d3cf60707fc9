"""From the inventory to files and containers."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from hadeploy.desired import layout
from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import File, NodeFacts
from hadeploy.desired.docker_run import (
    run_arguments,
    specification,
    trial_arguments,
    validate_arguments,
    validation_of,
)
from hadeploy.desired.roles import Role
from hadeploy.desired.templates import environment
from hadeploy.errors import HadeployError
from hadeploy.scripts.compose import load_file
from tests.unit import builders


def test_same_inputs_same_bytes() -> None:
    assert builders.desired(builders.cluster()) == builders.desired(builders.cluster())


def test_haproxy_cfg_is_the_same_on_every_node_and_keepalived_conf_is_not() -> None:
    nodes = builders.desired(builders.cluster()).values()
    assert len({node.file("haproxy/haproxy.cfg").content for node in nodes}) == 1
    assert len({node.file("keepalived/keepalived.conf").content for node in nodes}) == 3


def test_every_configuration_names_itself() -> None:
    node = builders.desired(builders.cluster())["n1"]
    for role in ("haproxy", "keepalived"):
        (file,) = [f for f in node.files if f.role == role and f.config_id]
        assert file.config_id in file.content
    changed = builders.desired(builders.cluster(haproxy={"maxconn": 500}))["n1"]
    assert changed.config_id("haproxy") != node.config_id("haproxy")
    assert changed.config_id("keepalived") == node.config_id("keepalived")


def test_peers_are_all_others_and_never_oneself() -> None:
    conf = builders.desired(builders.cluster())["n2"].file("keepalived/keepalived.conf").content
    peers = conf.partition("unicast_peer {")[2].partition("}")[0].split()
    assert peers == ["198.51.100.11", "198.51.100.13"]
    assert "unicast_src_ip 198.51.100.12\n" in conf


def test_the_health_frontend_has_slots_beyond_the_listeners() -> None:
    cluster = builders.cluster(
        haproxy={"maxconn": 3000},
        listeners=[{"name": "a", "port": 9443}, {"name": "b", "port": 8443}],
    )
    lines = builders.desired(cluster)["n1"].file("haproxy/haproxy.cfg").content.split("\n")
    numbers = [int(line.split()[1]) for line in lines if line.strip().startswith("maxconn ")]
    world, health, root, *listeners = numbers
    assert listeners == [1500, 1500]
    assert world == sum(listeners) + health + root


@pytest.mark.parametrize(
    ("address", "binds"),
    [
        ("127.0.0.1", {"127.0.0.1:8404"}),
        ("::", {"[::]:8404"}),
        ("node", {f"198.51.100.1{i}:8404" for i in (1, 2, 3)}),
    ],
)
def test_metrics_are_where_they_are_asked_for(address: str, binds: set[str]) -> None:
    cluster = builders.cluster(haproxy={"metrics": {"address": address}})
    texts = [n.file("haproxy/haproxy.cfg").content for n in builders.desired(cluster).values()]
    sections = [
        text.partition("frontend hadeploy-metrics")[2].partition("\n\n")[0] for text in texts
    ]
    assert {s.partition("bind ")[2].partition("\n")[0] for s in sections} == binds
    assert all("stats admin" not in section for section in sections)


def test_threads_are_limited_only_if_asked_for() -> None:
    def lines(**inventory: Any) -> list[str]:
        node = builders.desired(builders.cluster(**inventory))["n1"]
        return [line.strip() for line in node.file("haproxy/haproxy.cfg").content.splitlines()]

    assert not [line for line in lines() if "nbthread" in line]
    assert "nbthread 4" in lines(haproxy={"nbthread": 4})


def test_metrics_take_no_connections_from_the_listeners_and_no_new_container() -> None:
    off, on = builders.cluster(), builders.cluster(haproxy={"metrics": {}})
    without, within = builders.desired(off)["n1"], builders.desired(on)["n1"]
    assert within.containers == without.containers
    lines = within.file("haproxy/haproxy.cfg").content.split("\n")
    numbers = [int(line.split()[1]) for line in lines if line.strip().startswith("maxconn ")]
    assert numbers[0] == sum(numbers[1:])


@pytest.mark.parametrize("given", [(7990, None), (None, None, None), (100, None, None), (8000,)])
def test_all_listeners_together_stay_below_the_global_limit(given: tuple[int | None, ...]) -> None:
    listeners = [
        {"name": f"l{i}", "port": 9000 + i, **({"maxconn": m} if m else {})}
        for i, m in enumerate(given)
    ]
    text = builders.desired(builders.cluster(listeners=listeners))["n1"].files[0].content
    numbers = [int(n) for n in re.findall(r"^    maxconn (\d+)$", text, re.M)]
    world, health, root, *frontends = numbers
    assert len(frontends) == len(given)
    assert min(frontends) > 0
    assert sum(frontends) + health + root <= world


def test_root_asks_haproxy_where_it_listens() -> None:
    text = builders.desired(builders.cluster())["n1"].file("haproxy/haproxy.cfg").content
    path = next(
        line.partition("=")[2]
        for line in load_file("http.sh").body.splitlines()
        if line.startswith("ROOT_SOCKET=")
    )
    assert path == layout.ROOT_SOCKET
    assert f"    bind unix@{path} mode 600\n" in text


def test_a_password_cannot_be_guessed_from_the_configuration_id() -> None:
    cluster, facts = builders.cluster(), {"n1": NodeFacts("eth0")}

    def conf(password: str) -> File:
        node = desired_nodes(cluster, facts, environment(None), SecretStr(password))["n1"]
        return node.file("keepalived/keepalived.conf")

    file = conf("s3cret")
    plain = hashlib.sha256(file.content.replace(file.config_id, "").encode()).hexdigest()
    assert file.config_id != plain[:16]
    assert conf("s3cret").config_id == file.config_id
    assert conf("other").config_id != file.config_id


def test_a_password_makes_the_file_secret_and_private() -> None:
    cluster = builders.cluster()
    facts = {"n1": NodeFacts("eth0")}
    node = desired_nodes(cluster, facts, environment(None), SecretStr("s3cret"))["n1"]
    file = node.file("keepalived/keepalived.conf")
    assert (file.secret, file.mode) == (True, 0o600)
    assert 'auth_pass "s3cret"' in file.content
    assert "s3cret" not in repr(node)


def test_an_overriding_template_wins_and_must_name_itself(tmp_path: Path) -> None:
    cluster, facts = builders.cluster(), {"n1": NodeFacts("eth0")}
    mine = tmp_path / "haproxy.cfg.j2"
    mine.write_text("global\n    # {{ cluster.name }} {{ config_id }}\n")
    node = desired_nodes(cluster, facts, environment(tmp_path), None)["n1"]
    assert node.file("haproxy/haproxy.cfg").content.startswith("global\n    # c ")
    mine.write_text("global\n")
    with pytest.raises(HadeployError, match="prove which configuration runs"):
        desired_nodes(cluster, facts, environment(tmp_path), None)


@pytest.mark.parametrize(
    "text",
    [
        "{{ nonsense }}",
        "{% if %}",
        "{{ 1 / 0 }}",
        "{{ cluster + 1 }}",
        "{{ cluster.nodes[77].label }}",
    ],
)
def test_a_broken_template_is_reported_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "haproxy.cfg.j2").write_text(text)
    with pytest.raises(HadeployError) as error:
        desired_nodes(builders.cluster(), {"n1": NodeFacts("eth0")}, environment(tmp_path), None)
    assert "haproxy.cfg.j2" in str(error.value)


def test_a_container_is_run_read_only_with_few_capabilities() -> None:
    node = builders.desired(builders.cluster())["n1"]
    haproxy = run_arguments(node.container("haproxy"))
    keepalived = run_arguments(node.container("keepalived"))
    for command in (haproxy, keepalived):
        text = " ".join(command)
        assert "--restart unless-stopped --network host" in text
        assert "--read-only --security-opt no-new-privileges --cap-drop ALL" in text
        assert "--privileged" not in text
    assert "--cap-add" not in haproxy
    assert [keepalived[i + 1] for i, word in enumerate(keepalived) if word == "--cap-add"] == [
        "NET_ADMIN",
        "NET_BROADCAST",
        "NET_RAW",
        "SETGID",
        "SETUID",
    ]


def test_the_specification_covers_every_option_of_the_engine() -> None:
    def spec(**inventory: object) -> str:
        node = builders.desired(builders.cluster(**inventory))["n1"]
        return specification(node.container("haproxy"))

    assert spec() == spec()
    assert spec(haproxy={"maxconn": 999}) != spec()
    assert spec(containers={"log_max_file": 9}) != spec()
    assert spec(images={"haproxy": {"reference": "haproxy:9"}}) != spec()
    assert spec(listeners=[{"balance": "source"}]) == spec()


def test_validation_sees_the_staged_files_at_the_real_place() -> None:
    node = builders.desired(builders.cluster())["n1"]
    container = node.container("keepalived")
    command = validate_arguments(container, "/x/.staging", validation_of(container))
    assert "/x/.staging/keepalived:/etc/keepalived:ro" in command
    assert command[-2:] == ["--config-test", "--use-file=/etc/keepalived/keepalived.conf"]


@pytest.mark.parametrize("role", ["haproxy", "keepalived"])
def test_a_trial_has_the_limits_of_the_container_and_nothing_of_the_node(role: Role) -> None:
    container = builders.desired(builders.cluster(listeners=[{"port": 443}]))["n1"].container(role)
    real, trial = run_arguments(container), trial_arguments(container)
    assert "--volume" not in trial
    assert "--name" not in trial
    kept = [word for word in real if word.startswith(("nofile=", "max-", "NET_", "SET"))]
    assert set(kept) <= set(trial)
    assert ("root" in trial) == (role == "haproxy")


def test_a_port_below_1024_is_bound_as_root_with_one_capability() -> None:
    node = builders.desired(builders.cluster(listeners=[{"port": 443}]))["n1"]
    text = " ".join(run_arguments(node.container("haproxy")))
    assert "--cap-add NET_BIND_SERVICE --user root" in text


BOTH = ["198.51.100.100", "2001:db8::100"]


@pytest.mark.parametrize("vips", [BOTH, BOTH[::-1]])
def test_a_vip_of_the_other_family_follows_the_advertised_one(vips: list[str]) -> None:
    node = builders.desired(builders.cluster(vip=vips))["n1"]
    text = node.file(layout.KEEPALIVED_CONF).content
    assert "virtual_ipaddress {\n        198.51.100.100/32 dev eth0\n    }" in text
    assert "virtual_ipaddress_excluded {\n        2001:db8::100/128 dev eth0\n    }" in text
    assert set(node.addresses) == set(BOTH)
    haproxy = node.file(layout.HAPROXY_CFG).content
    assert "    bind *:9443\n    bind [::]:9443 v6only\n" in haproxy


def test_with_ipv6_nodes_the_ipv4_vip_follows() -> None:
    nodes = [{"name": f"n{i}", "address": f"2001:db8::1{i}"} for i in (1, 2, 3)]
    node = builders.desired(builders.cluster(vip=BOTH, nodes=nodes))["n1"]
    text = node.file(layout.KEEPALIVED_CONF).content
    assert "virtual_ipaddress {\n        2001:db8::100/128 dev eth0\n    }" in text
    assert "virtual_ipaddress_excluded {\n        198.51.100.100/32 dev eth0\n    }" in text
    assert "vrrp_version 3" in text


def test_a_second_family_needs_no_new_container() -> None:
    alone, both = (builders.desired(builders.cluster(vip=vip))["n1"] for vip in (BOTH[0], BOTH))
    assert both.containers == alone.containers


def test_one_family_has_one_bind_and_no_excluded_addresses() -> None:
    node = builders.desired(builders.cluster())["n1"]
    assert "excluded" not in node.file(layout.KEEPALIVED_CONF).content
    assert "[::]" not in node.file(layout.HAPROXY_CFG).content
