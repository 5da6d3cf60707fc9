"""Settings under which keepalived drops what clients send to the VIP."""

from __future__ import annotations

from pathlib import Path

import pytest

from hadeploy.desired.accept_mode import keeps_clients_out
from hadeploy.desired.build import desired_nodes
from hadeploy.desired.desired_node import NodeFacts
from hadeploy.desired.templates import environment
from hadeploy.errors import ExitCode, HadeployError
from tests.unit import builders


@pytest.mark.parametrize(
    ("defaults", "instance", "found"),
    [
        ("", "", None),
        ("vrrp_strict", "", "vrrp_strict"),
        ("# vrrp_strict", "", None),
        # "accept mode for VRRP version 2 does not comply with RFC3768 - resetting"
        ("vrrp_strict", "accept", "vrrp_strict"),
        ("vrrp_strict\nvrrp_version 3", "accept", None),
        ("vrrp_strict", "version 3\naccept", None),
        ("vrrp_strict", "strict_mode off", None),
        ("", "strict_mode", "strict_mode"),
        ("", "strict_mode on", "strict_mode"),
        ("vrrp_version 3", "no_accept", "no_accept"),
    ],
)
def test_what_keeps_clients_out(defaults: str, instance: str, found: str | None) -> None:
    text = f"global_defs {{\n{defaults}\n}}\nvrrp_instance a {{\n{instance}\n}}\n"
    assert keeps_clients_out(text) == found


def test_a_template_that_keeps_clients_out_is_refused(tmp_path: Path) -> None:
    text = Path("templates/keepalived.conf.j2").read_text()
    strict = text.replace("global_defs {", "global_defs {\n    vrrp_strict")
    (tmp_path / "keepalived.conf.j2").write_text(strict)
    cluster = builders.cluster(templates={"folder": str(tmp_path)})
    with pytest.raises(HadeployError) as refused:
        desired_nodes(cluster, {"n1": NodeFacts("eth0")}, environment(tmp_path), None)
    assert refused.value.message == "with vrrp_strict the holder drops all connections to the VIP"
    assert refused.value.code == ExitCode.USAGE
