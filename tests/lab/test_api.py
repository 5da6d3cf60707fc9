"""A program does by `hadeploy.api` what a user does by the command line."""

from __future__ import annotations

import pytest

from hadeploy import api
from hadeploy.errors import ExitCode, HadeployError
from hadeploy.status.build import cluster_status
from tests.lab.harness import Cluster


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
