"""A program does by `hadeploy.api` what a user does by the command line."""

from __future__ import annotations

from contextlib import closing

import pytest

from hadeploy import api
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.logs.lines import Line
from hadeploy.status.build import cluster_status
from tests.lab.harness import HAPROXY, Cluster


def deployment(cluster: Cluster) -> api.Deployment:
    """The cluster as a program loads it."""
    return api.load(str(cluster.write()))


def test_a_program_changes_a_cluster_and_takes_it_down(
    served: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    served.inventory["haproxy"] = {"maxconn": 890}
    wanted = deployment(served)
    assert {finding.verdict for finding in api.check(wanted)} <= {"pass", "warn", "skip"}
    planned = api.plan(wanted)
    assert planned.changes
    assert planned.refused is None

    result = api.up(wanted)
    assert result.cluster == wanted.cluster.name
    assert result.plan is not None
    assert result.plan.changes == planned.prepared.plan.changes
    assert api.failed(result.proofs) == []
    assert not api.plan(wanted).changes
    assert api.failed(api.verify(wanted).proofs) == []

    status, _ = cluster_status(api.status(wanted), "now")
    assert status.verdict == "healthy"

    (holder,) = served.holders()
    api.drain(wanted, holder)
    assert served.holders() != [holder]
    api.undrain(wanted, holder)
    assert api.unlock(wanted) == {}

    with pytest.raises(HadeployError) as refused:
        api.down(wanted)
    assert refused.value.code is ExitCode.USAGE
    assert served.request()
    assert api.down(wanted, consent=True) == ()
    assert not served.request()
    assert capfd.readouterr() == ("", ""), "nothing is printed"


def test_a_program_reads_logs_and_diagnostics_and_runs_a_drill(
    served: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    cluster = deployment(served)
    assert set(api.render(cluster)) == {"n1", "n2", "n3"}

    some = api.logs(cluster, api.LogOptions(containers=("keepalived",)), nodes=("n1", "n2"))
    assert {(line.node, line.container) for line in some.lines} == {
        ("n1", "keepalived"),
        ("n2", "keepalived"),
    }
    assert some.errors == []
    with closing(api.follow_logs(cluster)) as events:
        assert isinstance(next(events), Line)

    report = api.support(cluster)
    assert report.errors == []
    assert set(report.replies) == {"n1", "n2", "n3"}
    assert {delivery.state for delivery in api.push_images(cluster)} == {"there"}

    with pytest.raises(HadeployError) as refused:
        api.drill(cluster)
    assert refused.value.code is ExitCode.USAGE
    record = api.drill(cluster, options=api.DrillOptions(hold=0, versions=True), consent=True)
    assert record.complete
    assert [result.problems for result in record.results] == [()]
    assert set(record.setting.versions) == {"n1", "n2", "n3"}
    assert capfd.readouterr() == ("", ""), "nothing is printed"


def test_a_drill_that_is_refused_breaks_nothing_and_has_its_proofs_in_the_result(
    served: Cluster,
) -> None:
    served.node("n1", f"docker stop -t 1 {HAPROXY}")
    result = api.Result()
    with pytest.raises(HadeployError) as raised:
        api.drill(deployment(served), consent=True, result=result)
    assert raised.value.code is ExitCode.NOT_PROVEN
    assert api.failed(result.proofs)
    assert result.drill is None
