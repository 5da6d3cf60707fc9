"""The file for node_exporter's textfile collector."""

from __future__ import annotations

from hadeploy.status.build import cluster_status
from hadeploy.status.metrics import metrics
from tests.unit import builders
from tests.unit.status.snapshots import drained, situation

VIP = f'vip="{builders.VIP}"'


def samples(text: str) -> dict[str, float]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_settings_that_haproxy_cannot_resolve() -> None:
    status, _ = cluster_status(situation(*drained("n2"), away=("n3",)), "now")
    assert samples(metrics("c", status, 1_800_000_000.25)) == {
        'hadeploy_status{cluster="c",status="healthy"}': 0,
        'hadeploy_status{cluster="c",status="degraded"}': 1,
        'hadeploy_status{cluster="c",status="down"}': 0,
        'hadeploy_status{cluster="c",status="unknown"}': 0,
        f'hadeploy_vip_holders{{cluster="c",{VIP}}}': 1,
        f'hadeploy_vip_held{{cluster="c",{VIP},node="n1"}}': 1,
        f'hadeploy_vip_held{{cluster="c",{VIP},node="n2"}}': 0,
        'hadeploy_node_reachable{cluster="c",node="n1"}': 1,
        'hadeploy_node_reachable{cluster="c",node="n2"}': 1,
        'hadeploy_node_reachable{cluster="c",node="n3"}': 0,
        'hadeploy_node_drained{cluster="c",node="n1"}': 0,
        'hadeploy_node_drained{cluster="c",node="n2"}': 1,
        'hadeploy_node_in_sync{cluster="c",node="n1"}': 1,
        'hadeploy_node_in_sync{cluster="c",node="n2"}': 1,
        'hadeploy_status_timestamp_seconds{cluster="c"}': 1_800_000_000.25,
    }


def test_a_skipped_query_is_not_an_unheld_vip() -> None:
    status, _ = cluster_status(situation(away=("n1", "n2", "n3")), "now")
    text = metrics("c", status, 0)
    assert "hadeploy_vip_holders{" not in text
    assert samples(text)['hadeploy_status{cluster="c",status="unknown"}'] == 1


def test_labels_are_escaped() -> None:
    status, _ = cluster_status(situation(), "now")
    assert 'cluster="a\\"b\\\\c\\n"' in metrics('a"b\\c\n', status, 0)
