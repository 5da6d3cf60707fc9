"""Which containers the engine starts at boot, as Docker 20.10.24 did on a lab."""

from __future__ import annotations

import dataclasses

import pytest

from hadeploy.observe.stopped_foreign import StoppedForeign
from tests.unit import builders

NOW = builders.NOW


def container(policy: str, status: str = "exited", **changes: object) -> StoppedForeign:
    most = changes.pop("most", 0)
    flags = {"started": True, "stopped_by_hand": True} | {
        key: changes.pop(key) for key in ("started", "stopped_by_hand") if key in changes
    }
    there = dataclasses.replace(
        builders.running(builders.desired(builders.cluster())["n1"].containers[0], 0),
        status=status,
        cluster=None,
        raw={"HostConfig": {"RestartPolicy": {"Name": policy, "MaximumRetryCount": most}}},
        **changes,  # type: ignore[arg-type]
    )
    return StoppedForeign(there, "haproxy", **flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "starts"),
    [
        (container("always"), True),
        (container("always", "created", started=False), False),
        (container("always", stopped_by_hand=None, started=None), True),
        (container("unless-stopped"), False),
        (container("unless-stopped", stopped_by_hand=False), True),
        (container("unless-stopped", stopped_by_hand=None), True),
        (container("on-failure", exit_code=137), True),
        (container("on-failure", exit_code=0), False),
        (container("on-failure", exit_code=1, restarts=2, most=2), False),
        (container("on-failure", exit_code=1, restarts=1, most=2), True),
        (container("no", exit_code=1), False),
        (container("always", "restarting"), True),
        (container("on-failure", "restarting"), True),
        (container("always", "running", restarts=3, started=NOW), True),
        (container("always", "running", restarts=0), False),
    ],
)
def test_whether_it_starts_at_boot(one: StoppedForeign, starts: bool) -> None:
    if one.container.running and one.container.restarts:
        one = dataclasses.replace(one, container=dataclasses.replace(one.container, started=NOW))
    assert bool(one.autostart(NOW)) is starts
